"use strict";
// The table of scores: rows and columns for the choice, drawn with Tabulator; downloads of what it shows.

const ScoreTable = (() => {
  const HEADINGS = { bio: "Bio conservation", batch: "Batch correction", total: "Total", total_robust: "Robust total" };
  const TINTS = { bio: "--bio", batch: "--batch", total: "--total", total_robust: "--total" };
  let table, columns, rows, tints, signature;

  const escapeHTML = (text) => String(text).replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);

  function element(tag, text = "", properties = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    return Object.assign(made, properties);
  }

  // ---- columns and rows for a choice

  const group = (data, kind) => data.apart.find(([name]) => name === kind)?.[1] ?? "Ranked methods";

  function columnsFor(data, choice) {
    const score = (id, title, tint, help) => ({ id, title, tint, help, score: true });
    const rank = (id, title, of) => ({ id, title, help: `Rank of the ${of}; equal totals share the better rank` });
    const part = (id) => score(id, HEADINGS[id], id, helpOfTotal(data, id, choice));
    const interval = { id: "interval", title: "95 % interval", help: "t interval of the mean total over at least three datasets" };
    const robust = Object.values(data.robust).some((listed) => listed.length) ? [part("total_robust"), rank("rank_robust", "Robust rank", "robust total")] : [];
    const totals = [rank("rank", "Rank", "total"), part("total"), ...(choice.view ? [] : [interval]), ...robust, part("bio"), part("batch")];
    if (choice.view) {
      const metrics = data.metrics.filter(({ id }) => choice.metrics.has(id) && data.scores[choice.view]?.metrics[id]);
      return [...totals, ...metrics.map((one) => score(one.id, one.label, one.group, helpOfMetric(one))), { id: "seeds", title: "Seeds", help: "Number of seeds with a total" }];
    }
    const datasets = data.datasets.filter(({ id }) => choice.datasets.has(id));
    return [...totals, ...datasets.map(({ id }) => score(`on ${id}`, id, "total", `Total on ${id}`)), { id: "seeds", title: "Runs", help: "Number of runs with a total, seeds on all datasets" }];
  }

  function helpOfTotal(data, id, choice) {
    if (Totals.PARTS.includes(id)) return `Mean of the chosen metrics of ${HEADINGS[id].toLowerCase()}`;
    const sum = `${choice.weights.bio.toFixed(2)} × bio conservation + ${choice.weights.batch.toFixed(2)} × batch correction`;
    if (id === "total") return sum;
    const named = Totals.PARTS.flatMap((group) => data.robust[group] ?? []).map((name) => data.metrics.find((one) => one.id === name)?.label ?? name);
    return `${sum}, of the robust metrics: ${named.join(", ")}`;
  }

  function helpOfMetric(one) {
    const lines = [one.measures, one.range && `Range: ${one.range}`, one.weakness && `Weakness: ${one.weakness}`];
    return [...lines, one.better === "lower" && "Lower is better."].filter(Boolean).join("\n\n");
  }

  function rowsFor(data, choice) {
    const { datasets, every, means } = Totals.overall(data, choice);
    const viewed = choice.view ? (every[choice.view] ?? Totals.ofDataset(data, choice.view, choice)) : null;
    const of = (id, name) => (viewed ? viewed[id]?.[name]?.mean : means[id][name]) ?? null;
    const [ranks, robust] = ["total", "total_robust"].map((name) => Totals.ranks(data, Object.fromEntries(data.methods.map(({ id }) => [id, of(id, name)]))));
    const counted = choice.view ? [choice.view] : datasets;
    return data.methods.map(({ id, label, kind }) => {
      const row = { id, label, kind, group: group(data, kind), cells: {}, rank: ranks[id] ?? null, rank_robust: robust[id] ?? null };
      const put = (name, found, dataset, metric) => {
        row[name] = found?.mean ?? null;
        row.cells[name] = row[name] === null ? { why: whyNot(data, choice, dataset, id, metric) } : found;
      };
      if (viewed) {
        for (const name of [...Totals.TOTALS, ...data.metrics.map((one) => one.id)]) put(name, viewed[id]?.[name], choice.view, name);
      } else {
        const lacking = datasets.find((dataset) => !every[dataset][id] || every[dataset][id].total.mean === null);
        for (const name of Totals.TOTALS) put(name, { mean: of(id, name) }, lacking, name);
        for (const dataset of choice.datasets) put(`on ${dataset}`, every[dataset][id]?.total, dataset, "total");
        row.interval = means[id].interval ? means[id].interval.map((end) => Totals.print(end)).join(" to ") : "";
      }
      row.seeds = counted.reduce((sum, dataset) => sum + ((viewed ?? every[dataset])[id]?.total.n ?? 0), 0);
      row.planned = data.runs.filter((run) => run.method === id && counted.includes(run.dataset) && run.status !== "skipped").length;
      return row;
    });
  }

  // Why a method has no value on a dataset: [word in the cell, sentence]; `name` is a metric or a total.
  function whyNot(data, choice, dataset, method, name) {
    if (!dataset) return ["n/a", "no dataset has this value"];
    const problems = data.scores[dataset]?.problems ?? {};
    const word = { failed: "failed", not_applicable: "n/a", skipped: "skipped", not_run: "not run" };
    if (problems[name]?.[method]) return [word[problems[name][method][0]], problems[name][method][1]];
    const runs = data.runs.filter((run) => run.dataset === dataset && run.method === method);
    const bad = runs.find((run) => run.status === "failed") ?? runs.find((run) => run.status !== "ok");
    if (bad) return [word[bad.status], [bad.reason, bad.tail && `Last lines of ${bad.log}:\n${bad.tail}`].filter(Boolean).join("\n\n")];
    const missing = data.metrics.filter(({ id, group }) => choice.metrics.has(id) && Totals.PARTS.includes(group) && problems[id]?.[method]);
    if (missing.length) {
      const failed = missing.some(({ id }) => problems[id][method][0] === "failed");
      return [failed ? "failed" : "n/a", missing.map(({ id, label }) => `${label}: ${problems[id][method][1]}`).join("\n")];
    }
    const unscaled = choice.scaled && data.scores[dataset]?.metrics[name]?.unscaled;
    return ["n/a", unscaled || "none of the chosen metrics has a value"];
  }

  // ---- drawing

  function tintOf(column) {
    const values = rows.map((row) => row[column.id]).filter((value) => value !== null && value !== undefined);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value) => `rgba(var(${TINTS[column.tint] ?? "--line"}), ${0.06 + 0.44 * (high > low ? (value - low) / (high - low) : 1)})`;
  }

  function cellText(cell, spread) {
    if (spread === "sd" && cell.sd != null) return `± ${Totals.print(cell.sd)}`;
    if (spread === "interval" && cell.half != null) return `${Totals.print(cell.mean - cell.half)} to ${Totals.print(cell.mean + cell.half)}`;
    return "";
  }

  function definition(column, choice) {
    const shared = {
      field: column.id, title: escapeHTML(column.title), headerTooltip: column.help ? () => element("div", column.help) : false,
      headerSortStartingDir: column.id.startsWith("rank") ? "asc" : "desc", vertAlign: "middle",
    };
    const counted = (cell) => {
      const { seeds, planned } = cell.getRow().getData();
      return seeds < planned ? element("span", `${seeds} of ${planned}`, { className: "why" }) : String(seeds);
    };
    if (!column.score) return { ...shared, ...(column.id === "seeds" ? { formatter: counted } : {}), minWidth: column.id === "interval" ? 125 : 76, hozAlign: "right", sorter: "number", sorterParams: { alignEmptyValues: "bottom" }, headerSort: column.id !== "interval" };
    return {
      ...shared, hozAlign: "right", minWidth: 112, sorter: "number", sorterParams: { alignEmptyValues: "bottom" },
      formatter: (cell) => {
        const value = cell.getValue() ?? null;
        const { cells } = cell.getRow().getData();
        const about = cells[column.id] ?? {};
        if (value === null) return about.why ? element("span", about.why[0], { className: `why ${about.why[0]}` }) : "";
        cell.getElement().style.backgroundColor = tints[column.id](value);
        const made = element("span", Totals.print(value));
        const small = cellText(about, choice.spread);
        if (small) made.append(element("small", small));
        return made;
      },
      tooltip: (event, cell) => {
        const about = cell.getRow().getData().cells[column.id] ?? {};
        if (cell.getValue() == null) return about.why ? element("div", about.why[1]) : false;
        if (!about.n) return false;
        const lines = [`${column.title}: ${about.mean}`, about.sd !== null && `standard deviation ${Totals.print(about.sd)}`,
          about.half !== null && `95 % interval ${cellText(about, "interval")}`, `${about.n} ${about.n === 1 ? "seed" : "seeds"}`];
        return element("div", lines.filter(Boolean).join("\n"));
      },
    };
  }

  const methodColumn = {
    field: "label", title: "Method", frozen: true, minWidth: 120, widthGrow: 2, vertAlign: "middle",
    formatter: (cell) => {
      const made = element("span", cell.getValue());
      const { kind } = cell.getRow().getData();
      if (kind === "baseline" || kind === "external" || kind === "reference") made.append(element("small", kind));
      return made;
    },
  };

  function setUp(data, onChange) {
    table = new Tabulator("#table", {
      index: "id", layout: "fitColumns", renderVertical: "basic", nestedFieldSeparator: false, columnHeaderVertAlign: "bottom",
      groupBy: "group", groupValues: [["Ranked methods", ...data.apart.map(([, heading]) => heading)].filter((heading) => data.methods.some(({ kind }) => group(data, kind) === heading))], groupToggleElement: false, groupHeader: (value, count) => `${escapeHTML(value)} <span>(${count})</span>`,
      placeholder: "No method fits the filter.",
      columns: [methodColumn], data: [],
    });
    table.on("dataFiltered", () => setTimeout(onChange));
    table.on("dataSorted", focusable);
    return new Promise((resolve) => table.on("tableBuilt", resolve));
  }

  // Headers sort by keyboard, too.
  function focusable() {
    for (const header of document.querySelectorAll("#table .tabulator-col.tabulator-sortable")) {
      if (header.tabIndex === 0) continue;
      header.tabIndex = 0;
      header.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        header.click();
      });
    }
  }

  async function draw(data, choice) {
    columns = columnsFor(data, choice);
    rows = rowsFor(data, choice);
    tints = Object.fromEntries(columns.filter(({ score }) => score).map((column) => [column.id, tintOf(column)]));
    const sorted = table.getSorters().map(({ field, dir }) => ({ column: field, dir }));
    const wanted = JSON.stringify([columns.map(({ id, help }) => [id, help]), choice.spread]);
    if (wanted !== signature) table.setColumns([methodColumn, ...columns.map((column) => definition(column, choice))]);
    signature = wanted;
    await table.setData(rows);
    const known = new Set(["label", ...columns.map(({ id }) => id)]);
    const kept = sorted.filter(({ column }) => known.has(column));
    table.setSort(kept.length ? kept : [{ column: "total", dir: "desc" }]);
    focusable();
  }

  function filter(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) table.clearFilter();
    else table.setFilter((row) => [row.label, row.id, row.kind, row.group].some((name) => name.toLowerCase().includes(wanted)));
  }

  // Rows as shown: filtered and sorted, group by group.
  function shown() {
    return table.getGroups().flatMap((one) => one.getRows()).map((row) => row.getData());
  }

  // ---- downloads

  function printed(column, row) {
    const value = row[column.id];
    if (!column.score) return value ?? "";
    return value === null || value === undefined ? "" : Totals.print(value);
  }

  function toTSV() {
    const lines = [["method", "label", "kind", ...columns.map(({ id }) => id)]];
    for (const row of shown()) lines.push([row.id, row.label, row.kind, ...columns.map((column) => printed(column, row))]);
    return lines.map((line) => line.map((cell) => String(cell).replace(/[\t\r\n]+/g, " ")).join("\t") + "\n").join("");
  }

  const TEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
  const escapeTeX = (text) => String(text).replace(/[\\~^]|[&%$#_{}]/g, (mark) => TEX[mark] ?? `\\${mark}`);

  function toLaTeX(choice) {
    const kept = shown();
    const best = (column) => Math.max(...kept.filter((row) => row.group === kept[0].group && row[column.id] != null).map((row) => Number(printed(column, row))));
    const line = (cells) => `${cells.join(" & ")} \\\\`;
    const lines = ["% needs \\usepackage{booktabs}", `\\begin{tabular}{l${"r".repeat(columns.length)}}`, "\\toprule",
      line(["Method", ...columns.map(({ title }) => escapeTeX(title))]), "\\midrule"];
    kept.forEach((row, place) => {
      if (place && row.group !== kept[place - 1].group) lines.push("\\midrule", `\\multicolumn{${columns.length + 1}}{l}{\\emph{${escapeTeX(row.group)}}} \\\\`);
      lines.push(line([escapeTeX(row.label), ...columns.map((column) => {
        const text = printed(column, row);
        if (text === "") return "--";
        const strong = column.score && row.rank !== null && Number(text) === best(column) ? `\\textbf{${text}}` : escapeTeX(text);
        const { sd } = row.cells[column.id] ?? {};
        return sd != null && choice.spread ? `${strong} {\\scriptsize$\\pm$ ${Totals.print(sd)}}` : strong;
      })]));
    });
    return [...lines, "\\bottomrule", "\\end{tabular}", ""].join("\n");
  }

  return { setUp, draw, filter, shown, toTSV, toLaTeX, element };
})();
