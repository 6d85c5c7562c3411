// Data points: one of them is in the pictures, chosen by its n; the total E of all E_n, their sum or
// mean, is computed by the same operations.

const inRow = page.points ? [...page.points.inputs, ...page.points.targets] : []; // its leaves
const recordedRows = page.points?.rows ?? [];
let rows = recordedRows; // of now: they are replaced, and never written to
let chosen = page.points?.chosen ?? 0;
let total = null; // { error, errors, outputs, grads, refusal }

// The leaves of a row with their numbers; an input that is not used has no leaf.
const ofRow = (n = chosen) => inRow.map((i, k) => [i, rows[n]?.[k]]).filter(([i]) => i >= 0);

function keepRow() {
  const isOther = ([i, x]) => !Object.is(nodes[i].data, x);
  if (!ofRow().some(isOther)) return;
  const row = inRow.map((i, k) => (i < 0 ? rows[chosen][k] : nodes[i].data));
  rows = rows.map((each, n) => (n === chosen ? row : each));
}

function hasChanged() {
  if (!page.points) return !isRecorded;
  const isOfRow = new Set(inRow);
  return leaves.some((i) => !isOfRow.has(i) && !Object.is(nodes[i].data, recorded[i].data))
    || rows.some((row, n) => row.some((x, k) => !Object.is(x, recordedRows[n][k])));
}

function takeRow(n) {
  for (const [i, x] of ofRow(n)) nodes[i].data = x;
  compute();
}

// A pass through each data point; the one that is shown is the last.
function addUp() {
  if (!page.points) return;
  const parts = page.points.isMean ? rows.length : 1;
  const sums = page.weights.map(() => 0);
  total = { errors: [], outputs: [], refusal: "" };
  rows.forEach((_, n) => {
    takeRow(n);
    total.errors.push(nodes[root].isKnown ? nodes[root].data : NaN);
    total.outputs.push(page.points.outputs.map((i) => nodes[i]?.data ?? NaN));
    const refusal = nodes.find((node) => node.refusal)?.refusal || refusalOfBackward;
    if (refusal) total.refusal ||= `data point ${n + 1}: ${refusal}`;
    page.weights.forEach((i, k) => { sums[k] += grads[i]; });
  });
  total.error = python.fsum(total.errors) / parts;
  total.grads = new Map(page.weights.map((i, k) => [i, sums[k] / parts]));
  takeRow(chosen);
}

function choosePoint(n) {
  chosen = Math.max(0, Math.min(count - 1, n));
  if (page.points) takeRow(chosen);
  else showPass();
  showStep(false);
  showNumbers();
  setText(at("live"), `n = ${chosen + 1}${total ? `. E ${chosen + 1} = ${show(total.errors[chosen])}` : ""}`);
}

// --- a graph with several forward passes, each with its units -------------------------------------

const passes = page.passes.length ? [...page.passes, page.units] : [];
const ofPass = [...document.querySelectorAll("#network .pass")].map((group) => ({
  group, members: [...group.querySelectorAll("[data-nodes]")].flatMap((unit) => unit.getAttribute("data-nodes").split(" ").map(Number)),
}));
const count = page.points ? rows.length : passes.length;
if (!page.points && count) chosen = count - 1;

function showPass() {
  ofPass.forEach(({ group }, n) => group.classList.toggle("now", n === chosen));
  byUnit.steps = passes[chosen];
  if (mode !== "units") return;
  const view = document.querySelector("[name=shown]:checked").value;
  setMode(mode); // the menu has other names now
  choose("shown", view);
}

// The pass that a step is about comes into the network.
function followPass(current) {
  const isAbout = ({ members }) => members.some((i) => current.includes(i));
  const n = ofPass.findIndex(isAbout);
  if (mode !== "nodes" || !passes.length || n < 0 || isAbout(ofPass[chosen])) return;
  chosen = n;
  showPass();
  showPoints();
}

// --- the tables -----------------------------------------------------------------------------------

const MOST_ROWS = 200;
const sumOver = page.points?.isMean ? `1/${rows.length} Σ${SUB}n${END} E${SUB}n${END}` : `Σ${SUB}n${END} E${SUB}n${END}`;

function showPoints() {
  if (!count) return;
  at("n").setAttribute("aria-valuenow", chosen + 1);
  if (document.activeElement !== at("n")) at("n").value = chosen + 1;
  at("before").disabled = chosen === 0;
  at("after").disabled = chosen === count - 1;
  if (!page.points) return;
  write(replace(at("total")), [`E${SUB}${chosen + 1}${END} = `, known(total.errors[chosen]), `, E = ${sumOver} = `, known(total.error)]);
  if (at("every").open) showRows();
  if (at("gradients").open) showGradients();
  if (at("points").open) showPlot();
}

// A table: for each line its cells, and what a click on it does.
function fillTable(table, heading, lines) {
  const head = add(replace(table), "tr");
  for (const cell of heading) write(add(head, "th"), cell);
  for (const { cells, isNow, act } of lines.slice(0, MOST_ROWS)) {
    const row = add(table, "tr", isNow ? "now" : "");
    for (const cell of cells) write(add(row, "td"), [cell]);
    if (act) row.addEventListener("click", act);
  }
  if (lines.length > MOST_ROWS) add(add(table, "tr"), "td").textContent = `… and ${lines.length - MOST_ROWS} more`;
}

function showRows() {
  const { x, t, y } = page.points.names;
  fillTable(at("every").querySelector("table"), ["n", ...x, ...t, ...y, `E${SUB}n${END}`],
    rows.map((row, n) => ({
      cells: [String(n + 1), ...row, ...total.outputs[n], total.errors[n]].map(known),
      isNow: n === chosen, act: () => choosePoint(n),
    })));
}

function showGradients() {
  const of = (name, i) => nodes[i].gradName.replace(`∂${page.root}/`, `∂${name}/`);
  fillTable(at("gradients").querySelector("table"), ["derivative", `E${SUB}n${END}`, "E"],
    page.weights.map((i) => ({ cells: [of("E", i), grads[i], total.grads.get(i)] })));
}

if (page.points) {
  addUp();
  write(replace(at("gradients").querySelector("summary")), `The gradients of E${SUB}n${END} and E`);
  for (const id of ["points", "every", "gradients"]) at(id).addEventListener("toggle", showPoints);
}
for (const id of ["total", "every", "gradients"]) at(id).hidden = !page.points;
if (count) {
  setText(at("many"), `of ${count}`);
  makeSpin(at("n"), () => chosen + 1, (n) => choosePoint(Math.round(n) - 1), (n, steps) => n + steps);
  at("before").addEventListener("click", () => choosePoint(chosen - 1));
  at("after").addEventListener("click", () => choosePoint(chosen + 1));
}
document.body.classList.toggle("no-points", !count);
