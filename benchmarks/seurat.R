# Integrate counts with Seurat (anchors) and write the embedding as a table that the benchmark ranks:
#   Rscript benchmarks/seurat.R FOLDER cca|rpca OUT.csv
# FOLDER holds matrix.mtx (genes x cells, raw counts), genes.txt (one name per line) and cells.csv (cell id, batch).
# Settings are those of Seurat's tutorials and of scIB: 2,000 HVG, 30 dimensions.
suppressPackageStartupMessages(library(Seurat))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]

counts <- as(Matrix::readMM(file.path(folder, "matrix.mtx")), "CsparseMatrix")
cells <- read.csv(file.path(folder, "cells.csv"), row.names = 1, check.names = FALSE, colClasses = "character")
genes <- gsub("_", "-", readLines(file.path(folder, "genes.txt"))) # Seurat allows no "_" in names of genes
dimnames(counts) <- list(make.unique(genes), rownames(cells))
obj <- CreateSeuratObject(counts, meta.data = cells)

batches <- lapply(SplitObject(obj, split.by = colnames(cells)[1]), function(batch) {
  FindVariableFeatures(NormalizeData(batch, verbose = FALSE), nfeatures = 2000, verbose = FALSE)
})
features <- SelectIntegrationFeatures(batches, nfeatures = 2000, verbose = FALSE)
batches <- lapply(batches, function(batch) {
  RunPCA(ScaleData(batch, features, verbose = FALSE), features = features, npcs = 30, verbose = FALSE)
})
smallest <- min(sapply(batches, ncol)) # a batch can have fewer cells than Seurat's numbers of neighbours
anchors <- FindIntegrationAnchors(batches, anchor.features = features, reduction = arguments[2], dims = 1:30,
                                  k.filter = min(200, smallest), verbose = FALSE)
obj <- IntegrateData(anchors, dims = 1:30, k.weight = min(100, smallest), verbose = FALSE)
obj <- RunPCA(ScaleData(obj, verbose = FALSE), npcs = 30, verbose = FALSE)
write.csv(Embeddings(obj, reduction = "pca"), arguments[3])
