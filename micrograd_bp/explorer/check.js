// Two more ways to a number of the step: the central difference, and the reader's own hand.

// --- the central difference -----------------------------------------------------------------------

let width = 1e-5; // h

// The root where a node has other data; what is refused on the way is nan.
function rootWith(i, x) {
  const data = nodes.map((node) => node.data);
  data[i] = x;
  for (let k = i + 1; k <= root; k++) {
    const { parents, function: key, parameters } = nodes[k];
    if (parents.length) data[k] = TABLE[key].value(...parents.map((parent) => data[parent]), ...parameters);
  }
  return data[root];
}

function centralDifference(i) {
  const { data } = nodes[i];
  return (rootWith(i, data + width) - rootWith(i, data - width)) / (2 * width);
}

const MOST_CHECKED = 8;

// For each node of the step its derivative by the chain rule, and by the difference.
function showCheck() {
  if (!at("check").open || !isChangeable || mode === "order") return;
  const rows = replace(at("differences"));
  const { current } = modes[mode].steps[steps[mode]];
  if (!nodes[root].isKnown || current.length === 0) {
    add(rows, "div").textContent = "Go to the step of a node, or click one.";
    return;
  }
  for (const i of current.slice(0, MOST_CHECKED)) {
    const { name, gradName } = nodes[i], difference = centralDifference(i), row = add(rows, "div", "check");
    const lines = [
      [`${gradName} = ${show(grads[i], 12)} by backpropagation`],
      [`(${page.root}(${name} + h) − ${page.root}(${name} − h)) / 2h = ${show(difference, 12)}`],
      [`They differ by ${show(Math.abs(difference - grads[i]), 3)}.`],
    ];
    for (const line of lines) write(add(row, "div"), line);
  }
}

// --- by hand --------------------------------------------------------------------------------------

const DIGITS = 7;
let question = null;

// What the next step computes: in words, and the number.
function nextQuestion() {
  const { steps: all } = modes[mode], step = steps[mode] + 1;
  if (mode === "order" || step >= all.length || !nodes[root].isKnown) return null;
  const { pass, title, current: [i] } = all[step];
  if (mode === "units") return questionOfUnit(step, title);
  if (i === undefined || all[step].isSeed || nodes[i].parents.length === 0) return null;
  if (pass === "forward") {
    const named = fill(nodes[i].formula, (slot) => nodes[nodes[i].parents[slot]].name);
    return { step, ask: `${nodes[i].name} = ${named} = ?`, answer: () => nodes[i].data };
  }
  const { parent, slot } = contributions[i][0];
  const product = `${localName(i, slot)} × ${gradOf(nodes[i])}`;
  return { step, ask: `${product} = ?, to be added to ${gradOf(nodes[parent])}`, answer: () => contributions[i][0].brought };
}

// The result, at the end of the last line.
function questionOfUnit(step, title) {
  const lastLine = () => linesOf(modes.units.steps[step]).at(-1)?.line ?? [];
  if (typeof lastLine().at(-1) !== "number") return null;
  const name = lastLine()[0].split("= ")[0];
  return { step, ask: `${name || `${title} `}= ?`, answer: () => lastLine().at(-1) };
}

function ask() {
  question = nextQuestion();
  while (!question && steps[mode] < modes[mode].steps.length - 1 && nodes[root].isKnown && mode !== "order") {
    go(steps[mode] + 1);
    question = nextQuestion();
  }
  write(replace(at("question")), question ? question.ask : "The steps are at their end: go back to the first.");
  at("answer").value = "";
  setText(at("verdict"), "");
  if (question) at("answer").focus();
}

// The last of the digits may be rounded either way.
function isRight(x, answer) {
  return Math.abs(x - answer) <= 0.51 * 10 ** (Math.floor(Math.log10(Math.abs(answer) || 1)) + 1 - DIGITS);
}

function judge() {
  const x = numberIn(at("answer"));
  if (!question || x === null) return;
  const { step } = question, answer = question.answer();
  setText(at("verdict"), isRight(x, answer) ? "✓ right" : `✗ not ${show(x, DIGITS)}: it is ${show(answer, DIGITS)}, as this step shows`);
  go(step);
  question = null;
}

at("check").addEventListener("toggle", showCheck);
if (isChangeable) {
  makeSpin(at("width"), () => width, (h) => {
    width = h > 0 ? h : width;
    showCheck();
  }, (h, n) => Number((h * 10 ** n).toPrecision(12)));
}
at("ask").addEventListener("click", ask);
at("judge").addEventListener("click", judge);
at("answer").addEventListener("keydown", (event) => event.key === "Enter" && judge());
