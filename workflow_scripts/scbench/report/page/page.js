"use strict";
// Controls of the page: they change the choice, from which the table and the pictures are drawn again.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const choice = {};

function reset() {
  Object.assign(choice, {
    view: "", scaled: false, spread: "sd", weights: { ...data.weights },
    metrics: new Set(data.metrics.map(({ id }) => id)), datasets: new Set(data.datasets.map(({ id }) => id)),
  });
}

function showControls() {
  const { bio, batch } = choice.weights;
  $("view").value = choice.view;
  $("spread").value = choice.spread;
  document.querySelector(`input[name=values][value=${choice.scaled ? "scaled" : "raw"}]`).checked = true;
  $("weight").value = bio;
  $("weights").textContent = `bio ${bio.toFixed(2)}, batch ${batch.toFixed(2)}`;
  for (const name of ["datasets", "metrics"]) {
    for (const box of $(name).querySelectorAll("input")) box.checked = choice[name].has(box.value);
    $(`n-${name}`).textContent = `(${choice[name].size} of ${data[name].length})`;
  }
  const how = data.scaling === "min_max" ? "the worst method is 0, the best method is 1" : "the worst control is 0, the best control is 1";
  $("table-note").textContent = `${choice.view ? "Means over seeds." : "Means over the datasets that have a total."} ${choice.scaled ? `Scaled: ${how}.` : "Raw values; 1 is best."} Point at a heading or a cell for more; click a heading to sort.`;
}

function addTicks() {
  const tick = (name, id, label) => {
    const box = ScoreTable.element("input", "", { type: "checkbox", value: id });
    box.addEventListener("change", () => {
      choice[name][box.checked ? "add" : "delete"](id);
      update();
    });
    const made = document.createElement("label");
    made.append(box, ` ${label}`);
    $(name).append(made);
  };
  for (const { id } of data.datasets) tick("datasets", id, id);
  for (const [group, title] of Object.entries({ bio: "Bio conservation", batch: "Batch correction", extra: "Not part of a total" })) {
    const listed = data.metrics.filter((metric) => metric.group === group);
    if (listed.length) $("metrics").append(ScoreTable.element("b", title));
    for (const { id, label } of listed) tick("metrics", id, label);
  }
}

let pending;
function update() {
  showControls();
  document.body.dataset.busy = "yes";
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(async () => {
    await ScoreTable.draw(data, choice);
    await Pictures.follow(data, choice, ScoreTable.shown());
    delete document.body.dataset.busy;
  });
}

function listen() {
  $("view").addEventListener("change", (event) => { choice.view = event.target.value; update(); });
  $("spread").addEventListener("change", (event) => { choice.spread = event.target.value; update(); });
  for (const radio of document.querySelectorAll("input[name=values]")) {
    radio.addEventListener("change", () => { choice.scaled = $("scaled").checked; update(); });
  }
  $("weight").addEventListener("input", (event) => {
    const bio = Number(event.target.value);
    choice.weights = { bio, batch: Math.round((1 - bio) * 1e6) / 1e6 };
    update();
  });
  $("filter").addEventListener("input", (event) => ScoreTable.filter(event.target.value));
  $("reset").addEventListener("click", () => {
    reset();
    $("filter").value = "";
    ScoreTable.filter("");
    update();
  });
  const name = () => choice.view || "all_datasets";
  $("tsv").addEventListener("click", () => download(`${name()}.tsv`, ScoreTable.toTSV()));
  $("latex").addEventListener("click", () => download(`${name()}.tex`, ScoreTable.toLaTeX(choice)));
  for (const button of document.querySelectorAll("button.bibtex")) {
    const { doi } = button.dataset;
    button.addEventListener("click", () => copy(doi ? data.bibtex[doi] : Object.values(data.bibtex).join("\n\n")));
  }
  $("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
  addEventListener("beforeprint", () => { setTheme("light"); Pictures.all(); });
  addEventListener("afterprint", () => setTheme(dark.matches ? "dark" : "light"));
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  Pictures.recolour();
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  ScoreTable.element("a", "", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address));
}

// A page opened from disk may have no clipboard; then the text is selected in a field and copied from there.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = ScoreTable.element("textarea", "", { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  $("said").textContent = "Copied";
  $("said").classList.add("on");
  setTimeout(() => $("said").classList.remove("on"), 1500);
}

function ready(what) {
  document.body.dataset.ready = what;
  performance.mark(what);
}

async function start() {
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  reset();
  addTicks();
  showControls();
  await ScoreTable.setUp(data, () => Pictures.follow(data, choice, ScoreTable.shown()));
  await ScoreTable.draw(data, choice);
  listen();
  ready("table");
  setTimeout(async () => {
    await Pictures.setUp(data, choice, ScoreTable.shown());
    ready("pictures");
  });
}

start();
