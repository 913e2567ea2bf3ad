"use strict";
// Two projections side by side. What is pointed at in one lights up in both.

const Projections = (() => {
  const SIDES = ["left", "right"];
  const $ = (id) => document.getElementById(id);
  const GL = (() => {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl"));
  })();
  let data, drawPlot, fill, kept, lit, listening;
  const cells = {};

  // Unpack the 16-bit columns that scbench.report.page.projections packed.
  async function unpack(text, columns) {
    const bytes = Uint8Array.from(atob(text), (mark) => mark.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const n = planes.length / (2 * columns);
    return Array.from({ length: columns }, (_, column) => Uint16Array.from({ length: n }, (_, i) => planes[2 * column * n + i] + 256 * planes[(2 * column + 1) * n + i]));
  }

  // Similar cells stand together in the file; drawn in that order, the last types would hide the others.
  function shuffled(n) {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    let state = 1;
    for (let i = n - 1; i > 0; i -= 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const j = Math.floor((state / 2 ** 32) * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  async function load() {
    const about = data.projections[$("umap-dataset").value];
    cells.about = about;
    cells.order = shuffled(about.shown);
    cells.codes = {};
    for (const { id, codes } of about.categories) {
      const [column] = await unpack(codes, 1);
      cells.codes[id] = Array.from(cells.order, (cell) => column[cell]);
    }
    const [texts] = [about.categories.map(({ id, names }) => cells.codes[id].map((code) => Pictures.escaped(names[code] || "unknown")))];
    cells.texts = texts.length ? texts[0].map((_, cell) => texts.map((column) => column[cell]).join("<br>")) : [];
  }

  async function position(side) {
    const [method, seed] = [$(`umap-method-${side}`).value, Number($(`umap-seed-${side}`).value)];
    const run = cells.about.runs.findIndex(([id, one]) => id === method && one === seed);
    const [x, y] = await unpack($(cells.about.elements[run]).textContent, 2);
    cells[side] = { x: Array.from(cells.order, (cell) => x[cell]), y: Array.from(cells.order, (cell) => y[cell]) };
  }

  // The lit category is drawn once more, on top of all cells, which fade.
  function draw(side) {
    const { x, y } = cells[side];
    const active = cells.about.categories.find(({ id }) => id === $("umap-colour").value) ?? cells.about.categories[0];
    const colours = cells.codes[active.id].map((code) => active.colours[code]);
    const size = Math.max(2, Math.min(6, 260 / Math.sqrt(x.length)));
    const trace = (chosen, opacity) => ({
      type: GL ? "scattergl" : "scatter", mode: "markers", hoverinfo: "text", showlegend: false,
      x: chosen ? chosen.map((cell) => x[cell]) : x, y: chosen ? chosen.map((cell) => y[cell]) : y, text: chosen ? chosen.map((cell) => cells.texts[cell]) : cells.texts,
      customdata: chosen ?? undefined, marker: { size, opacity, color: chosen ? chosen.map((cell) => colours[cell]) : colours, line: { width: 0 } },
    });
    const chosen = lit && cells.codes[lit.id] ? cells.codes[lit.id].flatMap((code, cell) => (code === lit.code ? [cell] : [])) : null;
    const axis = { showticklabels: false, showgrid: false, zeroline: false, ticks: "", range: [-60, 2108], showline: true, mirror: true };
    return drawPlot(`umap-${side}`, chosen ? [trace(null, 0.08), trace(chosen, 1)] : [trace(null, 0.8)], {
      margin: { l: 4, r: 4, t: 4, b: 4 }, xaxis: axis, yaxis: { ...axis }, uirevision: $("umap-dataset").value, hovermode: "closest",
    }, "hover");
  }

  function light(next) {
    if (lit?.id === next?.id && lit?.code === next?.code) return;
    lit = next;
    for (const button of $("umap-legend").querySelectorAll("button")) {
      const { id, code } = button.dataset;
      button.setAttribute("aria-pressed", String(lit?.id === id && lit?.code === Number(code)));
    }
    SIDES.forEach(draw);
  }

  function toggle(next) {
    const same = kept && kept.id === next.id && kept.code === next.code;
    kept = same ? null : next;
    light(kept);
  }

  function legend() {
    const { element } = ScoreTable;
    const colouring = $("umap-colour").value;
    $("umap-legend").replaceChildren(...cells.about.categories.map(({ id, names, colours }) => {
      const line = document.createElement("div");
      line.append(element("b", nameOf(id)), ...names.map((name, code) => {
        const button = element("button", "", { type: "button" });
        Object.assign(button.dataset, { id, code });
        button.setAttribute("aria-pressed", "false");
        const dot = document.createElement("i");
        if (id === colouring) dot.style.background = colours[code];
        button.append(...(id === colouring ? [dot] : []), name || "unknown");
        button.addEventListener("mouseenter", () => light({ id, code }));
        button.addEventListener("mouseleave", () => light(kept));
        button.addEventListener("click", () => toggle({ id, code }));
        return button;
      }));
      return line;
    }));
  }

  const nameOf = (id) => ({ cell_type: "Cell type", batch: "Batch", condition: "Condition" })[id] ?? id.replace(/^label:/, "");

  function seeds(side) {
    const found = cells.about.runs.filter(([method]) => method === $(`umap-method-${side}`).value).map(([, seed]) => seed);
    fill($(`umap-seed-${side}`), found.map((seed) => [seed, seed]), $(`umap-seed-${side}`).value);
  }

  async function chooseDataset() {
    [kept, lit] = [null, null];
    await load();
    const { about } = cells;
    const known = new Set(about.runs.map(([method]) => method));
    const methods = data.methods.filter(({ id }) => known.has(id)).map(({ id, label }) => [id, label]);
    const best = [...data.overall].sort((one, other) => one.rank - other.rank).find(({ method }) => known.has(method))?.method;
    const baseline = data.methods.find(({ id, kind }) => kind === "baseline" && known.has(id))?.id;
    const wanted = { left: baseline ?? methods[0][0], right: best && best !== baseline ? best : methods.at(-1)[0] };
    for (const side of SIDES) {
      const select = $(`umap-method-${side}`);
      fill(select, methods, known.has(select.value) ? select.value : wanted[side]);
      seeds(side);
    }
    fill($("umap-colour"), about.categories.map(({ id }) => [id, nameOf(id)]), $("umap-colour").value || "cell_type");
    $("umap-note").textContent = about.shown < about.cells ? `${about.shown.toLocaleString("en")} of ${about.cells.toLocaleString("en")} cells, drawn at random` : `${about.cells.toLocaleString("en")} cells`;
    legend();
    await Promise.all(SIDES.map(position));
    return Promise.all(SIDES.map(draw));
  }

  function setUp(everything, drawing, filling) {
    [data, drawPlot, fill] = [everything, drawing, filling];
    const datasets = Object.keys(data.projections);
    $("projections").hidden = !datasets.length;
    fill($("umap-dataset"), datasets.map((id) => [id, id]));
  }

  // Draw both; the first time, also unpack the cells and listen to the menus and the cells.
  async function show() {
    if (!Object.keys(data.projections).length) return;
    if (listening) {
      await Promise.all(SIDES.map(draw));
      return;
    }
    if (document.readyState === "loading") await new Promise((resolve) => addEventListener("DOMContentLoaded", resolve));
    await chooseDataset();
    if (listening) return;
    listening = true;
    $("umap-dataset").addEventListener("change", chooseDataset);
    $("umap-colour").addEventListener("change", () => { legend(); SIDES.forEach(draw); });
    for (const side of SIDES) {
      const again = async () => { await position(side); await draw(side); };
      $(`umap-method-${side}`).addEventListener("change", () => { seeds(side); return again(); });
      $(`umap-seed-${side}`).addEventListener("change", again);
      const pointed = ({ points: [point] }) => {
        const cell = point.customdata ?? point.pointNumber;
        const id = $("umap-colour").value;
        return { id, code: cells.codes[id][cell] };
      };
      $(`umap-${side}`).on("plotly_hover", (event) => light(pointed(event)));
      $(`umap-${side}`).on("plotly_unhover", () => light(kept));
      $(`umap-${side}`).on("plotly_click", (event) => toggle(pointed(event)));
    }
  }

  return { setUp, show };
})();
