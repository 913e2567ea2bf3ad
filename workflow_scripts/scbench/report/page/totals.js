"use strict";
// Means, totals and ranks from the scores of the runs, by the rules of scbench.ranking.summary.
// Nothing here touches the page, so that the tests can run this file alone.
//
// A choice is {weights: {bio, batch}, metrics: Set of ids, datasets: Set of ids, scaled: whether to use scaled scores}.

const Totals = (() => {
  const PARTS = ["bio", "batch"];
  const TOTALS = [...PARTS, "total", "total_robust"];
  const DECIMALS = 9; // totals that agree to so many decimals are tied

  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

  // The mean, or null if a number is missing or there is none.
  const completeMean = (numbers) => (numbers.length && !numbers.includes(null) ? mean(numbers) : null);

  // Mean, standard deviation (n - 1) and half of the 95 % t interval of the numbers that are there.
  function spread(numbers, t) {
    const present = numbers.filter((number) => number !== null);
    const n = present.length;
    if (!n) return { mean: null, sd: null, half: null, n };
    const centre = mean(present);
    if (n < 2) return { mean: centre, sd: null, half: null, n };
    const sd = Math.sqrt(present.reduce((sum, number) => sum + (number - centre) ** 2, 0) / (n - 1));
    return { mean: centre, sd, half: t[n] === undefined ? null : (t[n] * sd) / Math.sqrt(n), n };
  }

  // The totals of every run on one dataset: {bio: [...], batch: [...], total: [...], total_robust: [...]}.
  // The parts of a group are its metrics with a value for at least one run; a run that lacks one has no mean.
  function ofRuns(data, scores, choice, column) {
    const meanOf = (listed) => {
      const parts = listed.filter((id) => choice.metrics.has(id) && scores.metrics[id])
        .map((id) => scores.metrics[id][column])
        .filter((values) => values.some((value) => value !== null));
      return scores.runs.map((_, run) => completeMean(parts.map((values) => values[run])));
    };
    const weighed = PARTS.filter((group) => choice.weights[group] > 0);
    const sum = (means) => scores.runs.map((_, run) => {
      const parts = weighed.map((group) => means[group][run]);
      return parts.includes(null) ? null : weighed.reduce((total, group, i) => total + choice.weights[group] * parts[i], 0);
    });
    const own = (group) => Object.keys(scores.metrics).filter((id) => scores.metrics[id].group === group);
    const means = Object.fromEntries(PARTS.map((group) => [group, meanOf(own(group))]));
    const robust = Object.fromEntries(PARTS.map((group) => [group, meanOf(data.robust[group] ?? [])]));
    return { ...means, total: sum(means), total_robust: sum(robust) };
  }

  // Means over seeds on one dataset: {method: {bio, batch, total, total_robust, metric...: {mean, sd, half, n}}}.
  function ofDataset(data, dataset, choice) {
    const scores = data.scores[dataset];
    if (!scores) return {};
    const values = ofRuns(data, scores, choice, "values");
    if (choice.scaled) {
      const scaled = ofRuns(data, scores, choice, "scaled");
      for (const name of Object.keys(values)) {
        values[name] = scaled[name].map((value, run) => (values[name][run] === null ? null : value));
      }
    }
    for (const [id, metric] of Object.entries(scores.metrics)) {
      if (choice.metrics.has(id)) values[id] = choice.scaled ? metric.scaled : metric.values;
    }
    const found = {};
    for (const method of new Set(scores.runs.map(([name]) => name))) {
      const runs = scores.runs.flatMap(([name], run) => (name === method ? [run] : []));
      found[method] = {};
      for (const name of Object.keys(values)) found[method][name] = spread(runs.map((run) => values[name][run]), data.t);
    }
    return found;
  }

  const ranked = (data) => {
    const apart = new Set(data.apart.map(([kind]) => kind));
    return data.methods.filter(({ kind }) => !apart.has(kind)).map(({ id }) => id);
  };

  // The 95 % t interval of a mean over datasets, [low, high], for at least three; raw totals are at most 1.
  function interval(values, data, choice) {
    if (values.length < 3 || values.includes(null)) return null;
    const { mean: centre, half } = spread(values, data.t);
    return [centre - half, choice.scaled ? centre + half : Math.min(centre + half, Math.max(centre, 1))];
  }

  // Means over datasets: {datasets, every, means: {method: {bio, batch, total, total_robust, interval}}}. `every` has
  // the means on each dataset, `datasets` those that count: datasets on which a method has a total. A method that lacks
  // one of them has no mean, because means over different datasets do not compare.
  function overall(data, choice) {
    const chosen = data.datasets.map((one) => one.id).filter((id) => choice.datasets.has(id));
    const every = Object.fromEntries(chosen.map((id) => [id, ofDataset(data, id, choice)]));
    const raw = choice.scaled ? Object.fromEntries(chosen.map((id) => [id, ofDataset(data, id, { ...choice, scaled: false })])) : every;
    const has = (one, name, methods = Object.keys(one)) => methods.some((id) => one[id] && one[id][name].mean !== null);
    const withTotal = chosen.filter((id) => has(raw[id], "total"));
    const datasets = withTotal.length ? withTotal : chosen;
    const compared = datasets.filter((id) => has(every[id], "total", ranked(data)));
    const values = (method, name, listed) => listed.map((id) => (every[id][method] ? every[id][method][name].mean : null));
    const means = {};
    for (const { id } of data.methods) {
      means[id] = {};
      for (const name of TOTALS) means[id][name] = completeMean(values(id, name, datasets.filter((one) => has(every[one], name))));
      means[id].interval = ranked(data).includes(id) ? interval(values(id, "total", compared), data, choice) : null;
    }
    return { datasets, every, means };
  }

  // Ranks of the totals, 1 for the highest; equal totals share the better rank; unranked kinds have none.
  function ranks(data, totals) {
    const rounded = ranked(data).flatMap((id) => ((totals[id] ?? null) === null ? [] : [[id, Math.round(totals[id] * 10 ** DECIMALS)]]));
    return Object.fromEntries(rounded.map(([id, value]) => [id, 1 + rounded.filter(([, other]) => other > value).length]));
  }

  // A number with three digits, rounded as Python does: exact ties go to the even digit.
  function print(number, digits = 3) {
    if (number === null || number === undefined) return "";
    const text = number.toFixed(digits);
    const [whole, rest] = Math.abs(number).toFixed(60).split(".");
    if (!/^50*$/.test(rest.slice(digits))) return text;
    const down = `${number < 0 ? "-" : ""}${whole}.${rest.slice(0, digits)}`;
    return Number(down.at(-1)) % 2 === 0 ? down : (Number(down) + Math.sign(number) * 10 ** -digits).toFixed(digits);
  }

  return { PARTS, TOTALS, ofRuns, ofDataset, overall, ranks, print };
})();

if (typeof module === "object") module.exports = Totals;
