// Steps through the graph: the forward pass, then the backward pass. Every text goes in by
// textContent; a label is never read as markup.

const MOST_LEAVES = 60; // in the summary
const MOST_LISTED = 1200; // steps in the menu
const at = (id) => document.getElementById(id);

// --- texts: an index is between two of the marks SUB, SUP, END -----------------------------------

const SUB = "\ue000", SUP = "\ue001", END = "\ue002";

function show(number, digits = 6) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
  const [mantissa, exponent] = number.toExponential(digits - 1).split("e");
  if (number === 0) return "0";
  if (exponent > -digits && exponent < digits) return String(Number(number.toPrecision(digits)));
  return Number(mantissa) + "e" + Number(exponent);
}

const pictured = (number) => show(number, 4);
const inProduct = (number) => (number < 0 ? `(${show(number)})` : show(number));
const LONE = /([(|]|, )\((-[^()]*)\)(?=[,)|])/g; // a negative number that stands between marks already
const plain = (text) => text.replaceAll(SUP, "^").replaceAll(SUB, "_").replaceAll(END, "");
const spoken = (text) =>
  text.replace(/\ue001\((.*?)\)\ue002/g, " superscript $1 ").replaceAll(SUP, " to the ").replaceAll(SUB, " ").replaceAll(END, "");
// An index in letters of Unicode, for where there is no markup; one that has none as plain text.
const SMALL = {
  [SUB]: ["0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"],
  [SUP]: ["0123456789+-=()in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱⁿ"],
};
const typeset = (text) => text.replace(/([\ue000\ue001])([^\ue002]*)\ue002/g, (whole, mark, index) => {
  const [normal, small] = SMALL[mark], letters = [...index].map((letter) => small[normal.indexOf(letter)]);
  return letters.every(Boolean) ? letters.join("") : plain(whole);
});
// A label such as y - t, which takes parentheses where it is a factor.
const isLoose = (name) => /^[-−]| [-−+*/·] /.test(name.replace(/\([^()]*\)/g, ""));
// A base, as in {0^}, takes parentheses if it has an index above, is of several words, or a number
// like 1e-7; a factor, as in {0*}, if it is a sum.
const fill = (template, operand, result) =>
  template.replace(/\{(z|\d+)([*^]?)\}/g, (_, slot, mark) => {
    const text = slot === "z" ? result : operand(Number(slot));
    const inParentheses = mark === "^" ? text.includes(SUP) || /^[\d.]+e|\s/.test(text) : mark && isLoose(text);
    return inParentheses ? `(${text})` : text;
  });

function write(parent, line) {
  for (const part of [line].flat()) {
    const text = typeof part === "number" ? show(part) : part;
    for (const word of text.split(/(\s+)/)) {
      if (/[\ue000-\ue002]|\de-\d/.test(word)) writeSymbol(add(parent, "span", "symbol"), word);
      else parent.append(word);
    }
  }
  return parent;
}

function writeSymbol(parent, text) {
  let above = 0;
  for (const match of text.matchAll(/([\ue000-\ue002]?)([^\ue000-\ue002]*)/g)) {
    const [whole, mark, piece] = match;
    const isStacked = text.startsWith(END + SUB, match.index + whole.length);
    const place = mark === SUB ? add(parent, "sub") : mark === SUP ? add(parent, "sup", isStacked ? "above" : "") : parent;
    if (piece) place.append(piece);
    if (mark === SUB && above) place.style.minWidth = `${0.45 * above}em`; // what stands above has room
    if (piece) above = isStacked ? piece.length : 0;
  }
}

function add(parent, tag, className = "") {
  const child = document.createElement(tag);
  if (className) child.className = className;
  parent.append(child);
  return child;
}

// --- the steps, node by node ----------------------------------------------------------------------

const localName = (i, slot) => `∂${called(nodes[i])}/∂${called(nodes[nodes[i].parents[slot]])}`;
const localFormula = (i, slot) =>
  fill(nodes[i].derivatives[slot] || localName(i, slot), (s) => nodes[nodes[i].parents[s]].name, nodes[i].name);
const product = (a, b) => (a === "1" ? b : a.includes("−") || a.includes("+") || isLoose(a) ? `(${a}) ${b}` : `${a} ${b}`);
// A number that has no name, such as 0.5, takes parentheses, and so does y - t.
const called = ({ name }) => (/^[-\d]|\s/.test(name) ? `(${name})` : name);
const gradOf = (node) => `${called(node)}.grad`;
const equation = (...line) => ({ line });
const words = (...line) => ({ line, words: true });

const given = [...nodes.keys()].filter((i) => nodes[i].parents.length === 0);
const computed = [...nodes.keys()].filter((i) => nodes[i].parents.length > 0);
const SEED = computed.length + 2; // the step after those of the forward pass
const stepOf = nodes.map(() => 0); // in which a node is computed
computed.forEach((i, k) => { stepOf[i] = k + 2; });

const byNode = {
  steps: [
    { pass: "forward", title: "Before the forward pass", current: [] },
    { pass: "forward", title: "Forward: the leaves are given", menu: "the leaves", current: given },
    ...computed.map((i) => ({ pass: "forward", title: `Forward: ${nodes[i].name}`, menu: nodes[i].name, current: [i] })),
    { pass: "backward", title: `Backward: the seed, ∂${page.root}/∂${page.root} = 1`, current: [root], isSeed: true },
    ...nodes.map(({ name }, i) => ({ pass: "backward", title: `Backward: ${name}`, menu: name, current: [i] })).reverse(),
    { pass: "backward", title: "The gradient is complete", current: [] },
  ],
  state(step) {
    const isForward = step < SEED;
    const passed = step - SEED - 1; // the last of the backward pass, counted from the root
    const state = {
      data: nodes.map((node, i) => node.isKnown && stepOf[i] <= step),
      grads: nodes.map(() => null), // until there is a first contribution
      partial: new Set(), // grads to which more is to be added
      edges: new Set(), operands: [], changed: [],
    };
    const added = nodes.map(() => 0);
    const isRefused = !nodes[root].isKnown; // then there is nothing to go back from
    if (!isForward && !isRefused) state.grads[root] = 1;
    for (let k = 0; k <= Math.min(passed, root) && !isRefused; k++) {
      for (const { parent, after } of contributions[root - k]) {
        state.grads[parent] = after;
        added[parent]++;
      }
    }
    added.forEach((n, i) => n > 0 && n < uses[i].length && state.partial.add(i));
    const { current, isSeed } = this.steps[step], [i] = current;
    if (i !== undefined && step > 1 && !isSeed) {
      state.operands = nodes[i].parents;
      nodes[i].parents.forEach((_, slot) => state.edges.add(`${i} ${slot}`));
      if (!isForward) state.changed = nodes[i].parents;
    }
    const isLost = !isForward && isRefused;
    state.lines = isLost ? lostLines([], "backward") : step === 0 ? startLines() : step === 1 ? leafLines() : i === undefined ? endLines()
      : isForward ? forwardLines(i) : isSeed ? seedLines() : backwardLines(i);
    return state;
  },
};

function lostLines(current, pass) {
  if (pass === "backward") return [words("There is no backward pass: the forward pass was refused.")];
  const refusal = current.map((i) => nodes[i].refusal).find(Boolean);
  return [words(refusal ?? "It is not computed: one of its operands was refused.")];
}

function startLines() {
  return [
    words(`${nodes.length} nodes stand in topological order: each after the nodes it is computed from.`),
    words(`Leaves, whose data is given: ${given.length}; operations: ${computed.length}.`),
    words("The right arrow key takes the next step."),
  ];
}

const andMore = (n) => (n > MOST_LEAVES ? [words(`and ${n - MOST_LEAVES} more`)] : []);

function leafLines() {
  const constants = given.length - leaves.length;
  return [
    words(`Their data is given, nothing is computed.${constants ? ` Besides there are constants: ${constants}.` : ""}`),
    ...leaves.slice(0, MOST_LEAVES).map((i) => equation(`${nodes[i].name} = `, nodes[i].data)),
    ...andMore(leaves.length),
  ];
}

function forwardLines(i) {
  const node = nodes[i];
  const operand = (slot) => nodes[node.parents[slot]];
  if (!node.isKnown) {
    return [
      equation(`${node.name} = ${fill(node.formula, (slot) => operand(slot).name)}`),
      ...lostLines([i], "forward"),
    ];
  }
  return [
    equation(`${node.name} = ${fill(node.formula, (slot) => operand(slot).name)}`),
    equation("= " + fill(node.formula, (slot) => inProduct(operand(slot).data)).replace(LONE, "$1$2")),
    equation("= ", node.data),
    words("Recorded for the way back, the local derivatives:"),
    ...node.local.map((local, slot) => {
      const name = localName(i, slot), formula = localFormula(i, slot);
      return equation(formula === name || formula === show(local) ? `${name} = ` : `${name} = ${formula} = `, local);
    }),
  ];
}

function seedLines() {
  return [
    words("The derivative of a quantity by itself is 1. Every other grad starts at 0, and is shown as — until something is added."),
    equation(`${gradOf(nodes[root])} = ${nodes[root].gradName} = 1`),
  ];
}

function endLines() {
  return [
    words(`Every grad is the derivative of ${page.root} by its node. For the leaves:`),
    ...leaves.slice(0, MOST_LEAVES).map((i) => equation(`${nodes[i].gradName} = `, grads[i])),
    ...andMore(leaves.length),
  ];
}

const isLast = (one) => uses[one.parent].at(-1) === one;

function backwardLines(i) {
  const node = nodes[i];
  const lines = [equation(`${gradOf(node)} = ${node.gradName} = `, grads[i])];
  if (!Number.isFinite(grads[i])) {
    lines.push(words("This is not finite. backward() raises an error here and changes no grad, unless that is allowed."));
    if (refusalOfBackward) lines.push(words(refusalOfBackward));
  }
  if (node.parents.length === 0) {
    lines.push(words(`${node.operation ? "A constant" : "A leaf"}: there is nothing further back. Its grad is the sum of what its ${uses[i].length === 1 ? "one use has" : `${uses[i].length} uses have`} brought back:`));
    return lines.concat(uses[i].map((one) => equation(
      `from ${nodes[one.user].name}: ${product(localFormula(one.user, one.slot), nodes[one.user].gradName)} = ${show(one.local)} × ${inProduct(one.adjoint)} = `, one.brought)));
  }
  lines.push(words(grads[i] === 0
    ? "Its grad is 0, so it brings nothing back to its operands."
    : "Complete, for every node that uses it came before. Times each local derivative it goes back to the operands:"));
  for (const one of contributions[i]) {
    const parent = nodes[one.parent];
    const formula = localFormula(i, one.slot);
    lines.push({ operand: [
      [`${gradOf(parent)} += ${localName(i, one.slot)} × ${gradOf(node)}`],
      [`= ${product(formula, node.gradName)} = ${show(one.local)} × ${inProduct(one.adjoint)} = `, one.brought],
      [`${parent.gradName}: `, one.before, " → ", one.after, isLast(one) ? "" : ", not yet complete"],
    ] });
  }
  return lines;
}

// --- the steps, unit by unit: written by Python, shown here ---------------------------------------

// The derivative of node z by node a, of which z is a function.
function slope(z, a) {
  const adjoints = new Map([[z, 1]]);
  for (let i = z; i > a; i--) {
    if (!adjoints.has(i)) continue;
    nodes[i].parents.forEach((parent, slot) =>
      adjoints.set(parent, (adjoints.get(parent) ?? 0) + nodes[i].local[slot] * adjoints.get(i)));
  }
  return adjoints.get(a) ?? 0;
}

const numberOf = {
  data: ([i]) => nodes[i].data,
  grad: ([i]) => grads[i],
  local: ([i, slot]) => nodes[i].local[slot],
  slope: ([z, a]) => slope(z, a),
  by_chain: ([z, a]) => slope(z, a) * grads[z],
  product: ([a, z]) => grads[a] * nodes[z].data,
  difference: ([y, t]) => nodes[y].data - nodes[t].data,
};

function resolved(part) {
  if (typeof part !== "object") return part;
  const number = isRecorded ? Number(part.was) : numberOf[part.kind](part.of);
  return part.isFactor ? inProduct(number) : number;
}

const isClose = (x, y) => Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y));

// Of the ways to write the step the first whose equation holds for the numbers of now.
function linesOf({ lines, isIf, otherwise }) {
  if (otherwise && !isRecorded && !isClose(grads[isIf.grad], numberOf[isIf.kind](isIf.of))) return linesOf(otherwise);
  return lines.map((line) => equation(...line.map(resolved)));
}

const byUnit = {
  steps: page.units ?? [],
  state(step) {
    const state = {
      data: nodes.map(() => false), grads: nodes.map(() => null), partial: new Set(),
      edges: new Set(), operands: this.steps[step].operands, changed: this.steps[step].grads,
    };
    for (const { data, grads: known } of this.steps.slice(0, step + 1)) {
      for (const i of data) state.data[i] = nodes[i].isKnown;
      for (const i of known) state.grads[i] = nodes[root].isKnown ? grads[i] : null;
    }
    const { pass, current } = this.steps[step];
    const users = pass === "forward" ? current : [...current, ...state.operands];
    for (const i of users) {
      nodes[i].parents.forEach((parent, slot) => {
        if (pass === "forward" || current.includes(parent)) state.edges.add(`${i} ${slot}`);
      });
    }
    const isLost = pass === "backward" ? !nodes[root].isKnown : current.some((i) => !nodes[i].isKnown);
    state.lines = isLost ? lostLines(current, pass) : linesOf(this.steps[step]);
    return state;
  },
};

// --- why order matters: two ways through b = a + a, c = b + b -------------------------------------

const OPERANDS = { a: [], b: [["a", 1], ["a", 1]], c: [["b", 1], ["b", 1]] };

function updatesOf(walk) {
  const grad = { a: 0, b: 0, c: 1 };
  const updates = [];
  walk((node, parent, local) => {
    const before = grad[parent];
    grad[parent] += local * grad[node];
    updates.push({ node, parent, local, adjoint: grad[node], before, grad: { ...grad } });
  });
  return updates;
}

const naive = updatesOf((update) => {
  const back = (node) => {
    for (const [parent, local] of OPERANDS[node]) {
      update(node, parent, local);
      back(parent);
    }
  };
  back("c");
});
const topological = updatesOf((update) => {
  for (const node of ["c", "b", "a"]) {
    for (const [parent, local] of OPERANDS[node]) update(node, parent, local);
  }
});

const ORDER_WORDS = [
  "Both begin with c.grad = 1. Since c = 2b and b = 2a, right are dc/db = 2 and dc/da = 4.",
  "Both take the first arrow from c to b.",
  "The newcomer goes on from b at once, though b.grad is 1 and not yet complete. Topological order first takes the second arrow from c to b.",
  "The newcomer has sent the incomplete 1 twice to a. In topological order b.grad is complete, and goes to a.",
  "Only now the newcomer takes the second arrow from c to b, so b.grad is right at last. In topological order a.grad = 4: done, and right.",
  "But b.grad goes back to a again, all of it: the 1 that was sent before is sent a second time.",
  "The newcomer ends with a.grad = 1 + 1 + 2 + 2 = 6, and not 2 + 2 = 4. A node may pass its grad back only when every node that uses it has added its part: that is what topological order is for.",
];
const byOrder = {
  steps: ORDER_WORDS.map((text, k) => ({
    pass: "backward", current: [],
    title: k === 0 ? "Why order matters" : k === 6 ? "The newcomer's gradient is wrong" : `Update ${k}`,
  })),
  state: (step) => ({ lines: [words(ORDER_WORDS[step])] }),
};

function showWay(section, updates, step) {
  const made = updates.slice(0, step);
  const grad = made.length ? made.at(-1).grad : { a: 0, b: 0, c: 1 };
  for (const text of section.querySelectorAll("[data-v]")) text.textContent = show(grad[text.dataset.v]);
  const { node: now, parent: operand } = made.length === step && step > 0 ? made.at(-1) : {};
  for (const card of section.querySelectorAll("[data-n]")) {
    card.classList.toggle("current", card.dataset.n === now);
    card.classList.toggle("operand", card.dataset.n === operand);
  }
  const list = section.querySelector("ol");
  list.replaceChildren();
  made.forEach(({ node, parent, local, adjoint, before, grad: after }, k) => {
    const item = add(list, "li", k === step - 1 ? "now" : "");
    item.textContent = `${parent}.grad += ${local} × ${node}.grad:  ${before} + ${local * adjoint} = ${after[parent]}`;
  });
  const verdict = section.querySelector(".verdict");
  const isDone = step >= updates.length;
  verdict.textContent = !isDone ? "" : grad.a === 4 ? "✓ a.grad = 4 is right" : `✗ a.grad = ${grad.a} is wrong, right is 4`;
}

for (const id of ["naive", "topological"]) {
  at(id).append(at("small-graph").content.cloneNode(true));
  add(at(id), "ol");
  add(at(id), "p", "verdict");
}

// --- showing a step -------------------------------------------------------------------------------

const modes = { nodes: byNode, units: byUnit, order: byOrder };
const steps = { nodes: 0, units: 0, order: 0 }; // where each mode stands
let mode = "nodes";
let timer = null;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Shows the step again after a change of numbers; a new step also comes into view, and is read out.
function showStep(isNew = true) {
  const step = steps[mode], all = modes[mode].steps, { pass, title, current } = all[step];
  const state = modes[mode].state(step);
  if (mode !== "order" && !isInPicture(current)) openFold(null);
  document.body.classList.toggle("backward", pass === "backward");
  if (mode === "order") {
    showWay(at("naive"), naive, step);
    showWay(at("topological"), topological, step);
  } else {
    showPictures(state, current, pass);
    showChain(state, current, pass);
    showFields(current, state.operands);
    showCheck();
  }
  write(replace(at("title")), title);
  const text = replace(at("text"));
  for (const { line, words: isWords, operand } of state.lines) {
    if (operand) {
      const box = add(text, "div", "operand");
      for (const part of operand) write(add(box, "p", "equation"), part);
    } else {
      write(add(text, "p", isWords ? "" : "equation"), line);
    }
  }
  if (isNew) at("panel").scrollTop = 0;
  const name = mode === "order" ? "" : ` · ${pass} pass`;
  setText(at("count"), `Step ${step} of ${all.length - 1}${name}`);
  at("slider").max = all.length - 1;
  at("slider").value = step;
  at("slider").setAttribute("aria-valuetext", `${step}: ${spoken(title)}`);
  at("jump").value = step - (step % listedEvery(all));
  at("first").disabled = at("back").disabled = step === 0;
  at("last").disabled = at("next").disabled = step === all.length - 1;
  if (!isNew) return;
  writeLink();
  follow();
  const heard = state.lines.flatMap(({ line, operand }) => operand ?? [line]).slice(0, 24);
  setText(at("live"), [`Step ${step}: ${spoken(title)}`, ...heard.map((line) =>
    spoken(line.map((part) => (typeof part === "number" ? show(part) : part)).join("").replace(/\.$/, "")))].join(". "));
}

function replace(element) {
  element.replaceChildren();
  return element;
}

// --- controls -------------------------------------------------------------------------------------

function go(step) {
  steps[mode] = Math.max(0, Math.min(modes[mode].steps.length - 1, step));
  showStep();
}

function stop() {
  clearTimeout(timer);
  timer = null;
  at("play").textContent = "Play";
}

function tick() {
  const { steps: all } = modes[mode];
  if (steps[mode] === all.length - 1) return stop();
  go(steps[mode] + 1);
  const isLeaf = mode === "nodes" && all[steps[mode]].current.some((i) => nodes[i].parents.length === 0);
  timer = setTimeout(tick, isLeaf ? 700 : 2000);
}

function playOrPause() {
  if (timer !== null) return stop();
  if (steps[mode] === modes[mode].steps.length - 1) go(0);
  at("play").textContent = "Pause";
  timer = setTimeout(tick, 400);
}

function goToNode(members) {
  const all = modes[mode].steps, { pass } = all[steps[mode]];
  const isOf = (step) => step.current.some((i) => members.includes(i));
  let found = all.findLastIndex((step) => step.pass === pass && isOf(step));
  if (found < 0) found = all.findIndex(isOf);
  if (found >= 0) go(found);
}

// Of very many steps the menu lists every second, or third, ...
const listedEvery = (all) => Math.ceil(all.length / MOST_LISTED);

function setMode(name) {
  stop();
  mode = name;
  document.body.classList.toggle("order", mode === "order");
  if (mode === "units") choose("shown", "network");
  const jump = replace(at("jump"));
  for (const pass of ["forward", "backward"]) {
    const group = document.createElement("optgroup");
    group.label = `${pass} pass`;
    modes[mode].steps.forEach((step, k) => {
      if (step.pass !== pass || k % listedEvery(modes[mode].steps)) return;
      const option = add(group, "option");
      option.value = k;
      option.textContent = typeset(step.menu ?? step.title);
    });
    if (group.children.length) jump.append(group);
  }
  showStep();
}

function choose(group, value) {
  document.querySelector(`[name=${group}][value=${value}]`).click();
}

function setShown(name) {
  for (const each of ["graph", "network", "both"]) document.body.classList.toggle(`show-${each}`, each === name);
  resize();
}

const actions = {
  first: () => go(0),
  back: () => go(steps[mode] - 1),
  next: () => go(steps[mode] + 1),
  last: () => go(Infinity),
  play: playOrPause,
  smaller: () => setZoom(1 / 1.25),
  larger: () => setZoom(1.25),
  fit: toggleFit,
  large: () => toggleLarge(),
};
for (const [id, action] of Object.entries(actions)) {
  at(id).addEventListener("click", () => {
    if (id !== "play") stop();
    action();
  });
}
const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play", "+": "larger", "-": "smaller", f: "fit", p: "large" };

// Whether a focused control takes a key itself.
function hasOwnUse(control, key) {
  if (control.matches("button, summary")) return key === " ";
  if (control.matches("[type=radio]")) return key === " " || key.startsWith("Arrow");
  return control.matches("select, input");
}

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  if (hasOwnUse(target, event.key)) return;
  event.preventDefault();
  if (event.key !== " ") stop();
  actions[keys[event.key]]();
});
at("slider").addEventListener("input", () => {
  stop();
  go(at("slider").valueAsNumber);
});
at("jump").addEventListener("change", () => {
  stop();
  go(Number(at("jump").value));
});
// After a click the arrow keys are to step, and not to go to the next radio button.
for (const fieldset of document.querySelectorAll("fieldset")) {
  fieldset.addEventListener("pointerup", () => setTimeout(() => document.activeElement.blur()));
}
for (const input of document.querySelectorAll("[name=mode]")) input.addEventListener("change", () => setMode(input.value));
for (const input of document.querySelectorAll("[name=shown]")) input.addEventListener("change", () => setShown(input.value));
new ResizeObserver(() => resize()).observe(at("views")); // a frame may get its size after its content

// On paper there are no steps: a page not stepped through yet is printed with all its numbers.
let printed = null;
addEventListener("beforeprint", () => {
  if (steps[mode] !== 0) return;
  printed = 0;
  go(Infinity);
});
addEventListener("afterprint", () => {
  if (printed === null) return;
  printed = null;
  go(0);
});
