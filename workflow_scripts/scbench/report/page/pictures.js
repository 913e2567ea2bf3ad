"use strict";
// The pictures, drawn with Plotly. Those that follow the table are drawn again with every choice.

const Pictures = (() => {
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "pentagon", "x"];
  const PARTS = { bio: "Bio conservation", batch: "Batch correction", total: "Total", total_robust: "Robust total" };
  const { element } = ScoreTable;
  const $ = (id) => document.getElementById(id);
  let data, choice, shown;

  // Plotly reads a little HTML in its texts.
  const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const labelOf = (id) => data.methods.find((one) => one.id === id)?.label ?? id;
  const ordered = () => [...shown].sort((one, other) => (other.total ?? -Infinity) - (one.total ?? -Infinity));
  const colour = (place) => data.palette[place % (data.palette.length - 1)];
  const symbol = (place) => SYMBOLS[(place + Math.floor(place / 8)) % 8];
  const marker = (place, size = 10) => ({ color: colour(place), symbol: symbol(place), size, line: { width: 0 } });
  const chosenDatasets = () => data.datasets.map(({ id }) => id).filter((id) => choice.datasets.has(id));

  function fill(select, options, value) {
    select.replaceChildren(...options.map(([id, text]) => element("option", text, { value: id })));
    if (options.some(([id]) => String(id) === String(value))) select.value = value;
  }

  function draw(id, traces, layout, displayModeBar = false) {
    const style = getComputedStyle(document.documentElement);
    const [ink, line, quiet] = ["--ink", "--line", "--quiet"].map((name) => style.getPropertyValue(name).trim());
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12, family: "system-ui, DejaVu Sans, sans-serif" },
      margin: { l: 10, r: 10, t: 10, b: 40 }, hoverlabel: { namelength: -1 }, modebar: { bgcolor: "rgba(0,0,0,0)", color: quiet, activecolor: ink }, legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
    };
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) layout[name] = { ...axis, ...layout[name] };
    const options = { displayModeBar, displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
    return Plotly.react(id, traces, { ...base, ...layout }, options);
  }

  // Methods from the top down, one dot per value; `traces` have y from `rows`.
  const rowAxis = (rows) => ({ type: "category", categoryorder: "array", categoryarray: rows.map(escaped).reverse(), range: [-0.6, rows.length - 0.4], tickfont: { size: 12 } });
  const heightFor = (rows, legend) => Math.max(320, 26 * rows + 90 + 22 * Math.ceil(legend / 4));

  // ---- pictures that follow the table

  function scatter() {
    const rows = shown.filter((row) => row.bio !== null && row.batch !== null);
    const places = Object.fromEntries(data.methods.map(({ id }, place) => [id, place]));
    const traces = rows.map((row) => ({
      x: [row.batch], y: [row.bio], type: "scatter", mode: "markers", name: escaped(row.label), marker: marker(places[row.id], 12),
      hovertemplate: `<b>${escaped(row.label)}</b><br>batch correction %{x:.3f}<br>bio conservation %{y:.3f}<extra></extra>`,
    }));
    const { bio, batch } = choice.weights;
    const range = (values) => { const [low, high] = [Math.min(...values), Math.max(...values)]; const pad = 0.08 * (high - low) || 0.05; return [low - pad, high + pad]; };
    const [x, y] = ["batch", "bio"].map((name) => (rows.length ? range(rows.map((row) => row[name])) : [0, 1]));
    const totals = rows.map((row) => bio * row.bio + batch * row.batch);
    const lines = bio > 0 && rows.length ? [0, 1, 2, 3, 4].map((step) => Math.min(...totals) + (step / 4) * (Math.max(...totals) - Math.min(...totals))) : [];
    for (const total of lines) {
      traces.unshift({ x, y: x.map((at) => (total - batch * at) / bio), mode: "lines", line: { color: "#8a939c", width: 1, dash: "dot" }, hoverinfo: "skip", showlegend: false });
    }
    return draw("scatter", traces, {
      height: 380 + 22 * Math.ceil(rows.length / 4), xaxis: { title: { text: "Batch correction" }, range: x, zeroline: false }, yaxis: { title: { text: "Bio conservation" }, range: y, zeroline: false },
    });
  }

  function byDataset() {
    const name = $("metric").value;
    const rows = ordered();
    const chosen = { ...choice, metrics: new Set([...choice.metrics, name]) };
    const keep = name in PARTS ? choice : chosen;
    const traces = chosenDatasets().map((dataset, place) => {
      const found = Totals.ofDataset(data, dataset, keep);
      const kept = rows.filter(({ id }) => found[id]?.[name]?.mean != null);
      return {
        x: kept.map(({ id }) => found[id][name].mean), y: kept.map(({ label }) => escaped(label)), type: "scatter", mode: "markers", name: escaped(dataset), marker: marker(place, 9),
        error_x: { type: "data", array: kept.map(({ id }) => found[id][name].sd ?? 0), thickness: 1, width: 0, color: colour(place) },
        hovertemplate: `%{y}<br>${escaped(dataset)}: %{x:.3f}<extra></extra>`,
      };
    });
    const title = PARTS[name] ?? data.metrics.find(({ id }) => id === name)?.label ?? name;
    return draw("by-dataset", traces, {
      height: heightFor(rows.length, traces.length), showlegend: true, xaxis: { title: { text: escaped(title) + (choice.scaled ? ", scaled" : "") }, zeroline: false }, yaxis: rowAxis(rows.map(({ label }) => label)),
    });
  }

  // ---- costs and critical differences

  function costs() {
    const table = data.resources;
    const median = (numbers) => { const sorted = [...numbers].sort((a, b) => a - b); return sorted.length ? (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2 : Infinity; };
    const methods = [...new Set(table.method)];
    const time = Object.fromEntries(methods.map((id) => [id, median(table.seconds.filter((value, row) => table.method[row] === id && value !== null))]));
    methods.sort((one, other) => time[one] - time[other]);
    const ticks = (column) => { const kept = table[column].filter((value) => value > 0); return Math.max(...kept) > 100 * Math.min(...kept) ? 1 : "D2"; };
    const traces = data.datasets.flatMap(({ id }, place) => ["seconds", "max_rss_mb"].map((column, panel) => {
      const runs = table.method.flatMap((_, row) => (table.dataset[row] === id && table[column][row] > 0 ? [row] : []));
      return {
        x: runs.map((row) => table[column][row]), y: runs.map((row) => escaped(labelOf(table.method[row]))), xaxis: panel ? "x2" : "x", yaxis: "y", mode: "markers", name: escaped(id), legendgroup: id, showlegend: !panel,
        marker: { ...marker(place, 8), opacity: 0.85 }, hovertemplate: `%{y}<br>${escaped(id)}: %{x:.3g} ${panel ? "MB" : "s"}<extra></extra>`,
      };
    }));
    return draw("costs", traces, {
      height: heightFor(methods.length, data.datasets.length), showlegend: true, yaxis: rowAxis(methods.map(labelOf)),
      xaxis: { type: "log", dtick: ticks("seconds"), domain: [0, 0.48], title: { text: "Wall time (s)" } }, xaxis2: { type: "log", dtick: ticks("max_rss_mb"), domain: [0.54, 1], title: { text: "Peak memory (MB)" }, anchor: "y" },
    });
  }

  function critical() {
    const friedman = data.rank_tests.find((row) => row.test === "friedman");
    if (!friedman || friedman.status !== "ok") {
      $("critical").style.minHeight = 0;
      $("critical-note").textContent = `Not applicable: ${friedman?.reason ?? "no test"}.`;
      return undefined;
    }
    const ranks = data.rank_tests.filter((row) => row.test === "mean_rank").sort((one, other) => one.mean_rank - other.mean_rank);
    const differ = new Set(data.rank_tests.filter((row) => row.test === "nemenyi" && row.p_value <= 0.05).flatMap((row) => [`${row.method} ${row.other}`, `${row.other} ${row.method}`]));
    const traces = [];
    let reached = -1;
    ranks.forEach((row, first) => {
      let last = first;
      while (last + 1 < ranks.length && ranks.slice(first, last + 1).every((one) => !differ.has(`${one.method} ${ranks[last + 1].method}`))) last += 1;
      if (last > first && last > reached) {
        const x = -0.35 - 0.25 * traces.length;
        traces.push({ x: [row.mean_rank, ranks[last].mean_rank], y: [x, x], mode: "lines", line: { width: 5, color: colour(0) }, hoverinfo: "skip", showlegend: false });
        reached = last;
      }
    });
    const depth = 0.35 + 0.25 * traces.length;
    traces.push({
      x: ranks.map((row) => row.mean_rank), y: ranks.map((_, place) => place + 0.5), type: "scatter", mode: "markers+text", text: ranks.map((row) => ` ${escaped(labelOf(row.method))} `),
      textposition: ranks.map((row) => (row.mean_rank > (1 + ranks.length) / 2 ? "middle left" : "middle right")), marker: { size: 9, color: colour(0) }, showlegend: false, cliponaxis: false, hovertemplate: "mean rank %{x:.2f}<extra></extra>",
    });
    $("critical-note").textContent = `Mean rank over ${friedman.n_datasets} datasets at the configured weights, best on the left. A bar joins methods that do not differ (Nemenyi test, 5 %). Friedman test: p = ${friedman.p_value.toPrecision(3)}.`;
    return draw("critical", traces, {
      height: heightFor(ranks.length + traces.length / 3, 0), yaxis: { visible: false, range: [ranks.length + 0.2, -depth] }, xaxis: { title: { text: "Mean rank" }, range: [0.8, ranks.length + 0.2], dtick: 1, side: "bottom" },
    });
  }

  // ---- scores per cell type and batch

  function setUpTypes() {
    const rows = data.by_type;
    $("types").hidden = !rows.length;
    if (!rows.length) return;
    const distinct = (column, kept) => [...new Set(kept.map((row) => row[column]))];
    const refresh = () => {
      const ofDataset = rows.filter((row) => row.dataset === $("type-dataset").value);
      fill($("type-level"), distinct("level", ofDataset).sort((one) => (one === "cell_type" ? -1 : 1)).map((id) => [id, id.replaceAll("_", " ")]), $("type-level").value);
      const ofLevel = ofDataset.filter((row) => row.level === $("type-level").value);
      fill($("type-metric"), distinct("metric", ofLevel).map((id) => [id, data.metrics.find((one) => one.id === id)?.label ?? id.replaceAll("_", " ")]), $("type-metric").value);
      heatmap(ofLevel.filter((row) => row.metric === $("type-metric").value));
    };
    fill($("type-dataset"), distinct("dataset", rows).map((id) => [id, id]));
    for (const id of ["type-dataset", "type-level", "type-metric"]) $(id).addEventListener("change", refresh);
    refresh();
  }

  function heatmap(rows) {
    const names = [...new Set(rows.map((row) => row.name))].sort();
    const cells = Object.fromEntries(rows.map((row) => [`${row.method}\n${row.name}`, row]));
    const values = rows.map((row) => row.mean).filter((value) => value !== null);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const made = element("table", "", { className: "heatmap" });
    const head = made.createTHead().insertRow();
    head.append(element("th", "Method"), ...names.map((name) => element("th", name)));
    const body = made.createTBody();
    for (const { id, label } of data.methods.filter((one) => rows.some((row) => row.method === one.id))) {
      const line = body.insertRow();
      line.append(element("th", label));
      for (const name of names) {
        const row = cells[`${id}\n${name}`];
        const cell = line.insertCell();
        cell.textContent = row?.mean == null ? "–" : row.mean.toFixed(2);
        if (row?.mean == null) continue;
        cell.style.backgroundColor = `rgba(var(--bio), ${0.06 + 0.54 * (high > low ? (row.mean - low) / (high - low) : 1)})`;
        cell.title = `${label}, ${name}: ${Totals.print(row.mean)}${row.sd == null ? "" : ` ± ${Totals.print(row.sd)}`}${row.cells ? `, ${row.cells} cells` : ""}`;
      }
    }
    $("heatmap").replaceChildren(made);
  }

  // ---- all of them: a picture is drawn when it comes into view, and again when its content has changed

  const DRAWN = { scatter, "by-dataset": byDataset, costs, critical, projections: () => Projections.show() };
  const FOLLOW = ["scatter", "by-dataset"];
  const stale = new Set(Object.keys(DRAWN));
  const visible = new Set();

  const refresh = () => Promise.all([...visible].filter((id) => stale.delete(id)).map((id) => DRAWN[id]()));

  function renew(ids) {
    for (const id of ids) stale.add(id);
    return refresh();
  }

  async function setUp(everything, chosen, rows) {
    [data, choice, shown] = [everything, chosen, rows];
    const robust = Object.values(data.robust).some((listed) => listed.length);
    fill($("metric"), [...Object.entries(PARTS).filter(([id]) => robust || id !== "total_robust"), ...data.metrics.map(({ id, label }) => [id, label])], "total");
    $("metric").addEventListener("change", byDataset);
    setUpTypes();
    Projections.setUp(data, draw, fill);
    await new Promise((resolve) => {
      const observer = new IntersectionObserver((entries) => {
        for (const { target, isIntersecting } of entries) visible[isIntersecting ? "add" : "delete"](target.id);
        refresh().then(resolve);
      }, { rootMargin: "200px" });
      for (const id of Object.keys(DRAWN)) observer.observe($(id));
    });
  }

  function follow(everything, chosen, rows) {
    if (!data) return undefined;
    [data, choice, shown] = [everything, chosen, rows];
    return renew(FOLLOW);
  }

  const recolour = () => (data ? renew(Object.keys(DRAWN)) : undefined);

  // For printing, which shows all.
  function all() {
    for (const id of Object.keys(DRAWN)) visible.add(id);
    return refresh();
  }

  return { setUp, follow, recolour, all, escaped };
})();
