"""Draw docs/disentanglement.svg: .venv/bin/python docs/draw_disentanglement.py [another name, .svg or .png]"""

import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

BIO, BATCH, NET, TERM = "#009E73", "#E69F00", "#0072B2", "#555555"


def box(x, y, width, height, text, colour, face="white"):
    """A rounded box around (x, y) with its text in the middle."""
    style = "round,pad=0,rounding_size=0.12"
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, ec=colour, fc=face, lw=1.6))
    axes.text(x, y, text, ha="center", va="center", fontsize=10, linespacing=1.4)


def arrow(start, end, colour="black", **style):
    properties = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=properties | style)


def term(x, y, text):
    axes.text(x, y, text, fontsize=9.5, color=TERM, style="italic", linespacing=1.4, ha="center", va="center")


figure = Figure(figsize=(10.4, 4.8))
axes = figure.add_axes((0, 0, 1, 1))
axes.set(xlim=(0, 13), ylim=(0, 6.0))
axes.axis("off")

box(1.2, 2.9, 1.7, 1.2, "one cell:\nlog-normalised\nexpression", "black")
box(3.75, 2.9, 1.9, 2.4, "encoder\n\n$d$ → 128 → 128\n($d$ → 1024 → 512\nfor $d$ ≥ 3000)", NET)
box(6.45, 4.0, 2.0, 0.95, "$z_{bio}$, $l$ = 32\nthe embedding", BIO, "#E3F4EE")
box(6.45, 1.8, 2.0, 0.95, "$z_{batch}$\n$n$ batches", BATCH, "#FCF2DC")
box(9.2, 2.9, 1.7, 2.4, "decoder\n\n128 → 128 → $d$", NET)
box(11.75, 2.9, 1.8, 1.2, "counts:\nmean, dispersion\n(batch, gene)", "black")
box(9.2, 0.6, 3.6, 0.85, "code $u$ of the batch: one-hot,\ntrained embedding, or $z_{batch}$", BATCH, "#FCF2DC")

arrow((2.05, 2.9), (2.8, 2.9))
arrow((4.7, 3.3), (5.45, 4.0))
arrow((4.7, 2.5), (5.45, 1.8))
arrow((7.45, 4.0), (8.35, 3.4))
arrow((9.2, 1.03), (9.2, 1.7))
arrow((10.05, 2.9), (10.85, 2.9))
elbow = "arc,angleA=90,angleB=90,armA=122,armB=122,rad=8"
arrow((9.2, 4.1), (3.75, 4.1), TERM, linestyle="--", connectionstyle=elbow)

term(6.45, 5.72, "cycle: decoded with the code of another batch, encoded again, back to the same $z_{bio}$")
term(6.45, 4.93, "KL to N(0, I); MMD and adversary\nbetween batches, within shared clusters")
term(6.0, 1.1, "cross-entropy to the batch")
term(11.75, 2.05, "negative log likelihood")

target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("disentanglement.svg")
with mpl.rc_context({"svg.hashsalt": "scbench"}):
    figure.savefig(target, facecolor="white", dpi=110, metadata={"Date": None} if target.suffix == ".svg" else None)
