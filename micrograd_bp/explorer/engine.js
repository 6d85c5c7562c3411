// The graph computed again, as engine.py does it: values and local derivatives in topological order,
// then the chain rule back. TABLE has the functions, from the page's Python; the words of a refusal
// are those of messages.py, and what contributes nothing beside an infinity is known as in poles.py.

const page = JSON.parse(document.getElementById("description").textContent);
const nodes = page.nodes.map((node) => ({
  name: "", operation: "", function: "", formula: "", label: "", scope: "", parents: [], derivatives: [],
  ...node, data: Number(node.data), local: (node.local ?? []).map(Number),
  written: node.parameters ?? [], // as Python writes them
  parameters: (node.parameters ?? []).map((text) => Number(text.replace("inf", "Infinity"))),
  refusal: "", isKnown: true,
}));
const root = nodes.length - 1;
const leaves = [...nodes.keys()].filter((i) => nodes[i].parents.length === 0 && !nodes[i].operation);
const recorded = nodes.map(({ data, local }) => ({ data, local }));
let isRecorded = true; // every leaf has the data of the recording

const operandsOf = (node) => node.parents.map((i) => nodes[i].data);
const argumentsOf = (node) => [...operandsOf(node), ...node.parameters];

// --- what is said ---------------------------------------------------------------------------------

// A float as Python writes it: 2.0, 1e-05, 1e+16.
function repr(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const [digits, power] = x.toExponential().split("e");
  if (x !== 0 && (power < -4 || power >= 16)) return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  const text = Object.is(x, -0) ? "-0" : Math.abs(x) < 1e-6 && x !== 0 ? x.toFixed(30).replace(/0+$/, "") : String(x);
  return text.includes(".") ? text : `${text}.0`;
}

function described({ data, label, scope }) {
  return `Value(${repr(data)}${label && `, label=${label}`}${scope && `, scope=${scope}`})`;
}

function describedCall(node) {
  const operands = node.parents.map((i) => described(nodes[i]));
  if (operands.length > 6) operands.splice(6, Infinity, `and ${operands.length - 6} more`);
  return `${node.operation} of ${[...operands, ...node.written].join(", ")}`;
}

function describedNode(node) {
  if (node.parents.length === 0) return described(node);
  return describedCall(node) + (node.label && ` (label=${node.label})`);
}

function fault({ pole, domain, needs }, numbers) {
  if (pole?.(...numbers)) return "division by zero";
  if (domain && !domain(...numbers)) return `needs ${needs}`;
  return "the result is beyond the largest float, 1.8e308";
}

// --- the forward pass -----------------------------------------------------------------------------

function forward() {
  isRecorded = leaves.every((i) => Object.is(nodes[i].data, recorded[i].data));
  nodes.forEach((node, i) => {
    node.refusal = "";
    node.isKnown = node.parents.every((parent) => nodes[parent].isKnown);
    if (isRecorded) Object.assign(node, recorded[i]);
    else if (node.parents.length) evaluate(node);
  });
}

function evaluate(node) {
  const entry = TABLE[node.function], numbers = argumentsOf(node);
  node.data = node.isKnown ? entry.value(...numbers) : NaN;
  node.local = node.isKnown ? entry.partials(...numbers) : node.parents.map(() => NaN);
  if (node.isKnown && !Number.isFinite(node.data) && numbers.every(Number.isFinite)) {
    node.refusal = `${describedCall(node)}: ${fault(entry, numbers)}`;
    node.isKnown = false;
  }
}

// --- the backward pass ----------------------------------------------------------------------------

const grads = nodes.map(() => 0);
const contributions = nodes.map(() => []); // for each node what it brings back to each operand
const uses = nodes.map(() => []); // for each node what its consumers bring back to it
let refusalOfBackward = "";

// The chain rule: from the root back, each local derivative times the adjoint is added to an operand.
function backward() {
  sweep(() => true);
  refusalOfBackward = "";
  if (!nodes[root].isKnown || grads.every(Number.isFinite)) return;
  const live = liveOperands();
  sweep((i, slot) => live[i].includes(slot));
  refusalOfBackward = refusalAmong(live);
}

function sweep(isLive) {
  grads.fill(0);
  grads[root] = 1;
  for (const list of uses) list.length = 0;
  for (let i = root; i >= 0; i--) {
    const adjoint = grads[i];
    contributions[i] = nodes[i].parents.map((parent, slot) => {
      const local = nodes[i].local[slot], before = grads[parent];
      const brought = isLive(i, slot) ? local * adjoint : 0;
      grads[parent] += brought;
      const one = { user: i, slot, parent, local, adjoint, brought, before, after: grads[parent] };
      uses[parent].push(one);
      return one;
    });
  }
}

// For each node the slots of the operands that it depends on near the point, as poles.Edges has it,
// and by which the root depends on the node.
function liveOperands() {
  const moving = [], live = [];
  nodes.forEach((node, i) => {
    live.push([...node.parents.keys()].filter((slot) => node.local[slot] !== 0 || !isFlat(node, slot, moving)));
    moving.push(!node.operation || live[i].some((slot) => moving[node.parents[slot]]));
  });
  const isReached = nodes.map((_, i) => i === root);
  for (let i = root; i >= 0; i--) {
    if (isReached[i]) for (const slot of live[i]) isReached[nodes[i].parents[slot]] = true;
    else live[i] = [];
  }
  return live;
}

function isFlat(node, slot, moving) {
  const { parents, function: key } = node, n = parents.length;
  if (TABLE[key]?.flat) return TABLE[key].flat(...argumentsOf(node));
  let factors = [];
  if (key === "mul") factors = [1 - slot];
  else if (key === "dot") factors = [(slot + Math.floor(n / 2)) % (Math.floor(n / 2) * 2)];
  else if (key === "prod") factors = [...parents.keys()].filter((other) => other !== slot);
  else if (["div", "divide_by_power"].includes(key) && slot === 1) factors = [0];
  else if (key === "pow" && slot === 0) factors = [1];
  else if (key === "pow" && !moving[parents[0]]) {
    const [x, y] = operandsOf(node);
    return x === 1 || (x === 0 && y > 0);
  }
  return factors.some((other) => nodes[parents[other]].data === 0 && !moving[parents[other]]);
}

function refusalAmong(live) {
  const terms = nodes.map((_, i) => uses[i].filter(({ user, slot }) => live[user].includes(slot)));
  const isPutIn = nodes.map(() => false); // by an operand that the user made inf or nan
  for (let i = root; i >= 0; i--) {
    isPutIn[i] = terms[i].some(({ user, brought }) =>
      !Number.isFinite(brought) && (isPutIn[user] || !operandsOf(nodes[user]).every(Number.isFinite)));
  }
  const end = leaves.find((i) => !Number.isFinite(grads[i]) && !isPutIn[i]);
  return end === undefined ? "" : whyNotFinite(terms, end);
}

function whyNotFinite(terms, node) {
  let zero = "";
  for (;;) {
    const wrong = terms[node].find(({ brought }) => !Number.isFinite(brought));
    if (!wrong || (Number.isFinite(wrong.adjoint) && Number.isFinite(wrong.local))) {
      return `backward: the adjoint of ${describedNode(nodes[node])} is beyond the largest float, 1.8e308`;
    }
    const { user, local, adjoint } = wrong;
    if (Number.isFinite(adjoint)) {
      const pole = `the local derivative of ${describedNode(nodes[user])} is ${repr(local)}`;
      zero ||= adjoint === 0 ? whyZero(terms, user) : "";
      if (zero) {
        return `0 times infinity is undetermined: ${pole}, and ${zero} here, though not all around; keep away from that point, choose another branch there by where(...), or allow nan with allow_nonfinite()`;
      }
      return `backward: ${pole}, and an adjoint of ${repr(adjoint)} reaches it; keep away from that point, or allow the result with allow_nonfinite()`;
    }
    if (local === 0) zero ||= `that of ${describedNode(nodes[user])} is 0`;
    node = user;
  }
}

function whyZero(terms, node) {
  for (;;) {
    const live = terms[node];
    if (live.some(({ brought }) => brought)) return `the contributions to the adjoint of ${describedNode(nodes[node])} cancel`;
    const flat = live.find(({ local }) => local === 0);
    if (flat) return `that of ${describedNode(nodes[flat.user])} is 0`;
    if (live.length === 0 || live[0].adjoint !== 0) return `the adjoint of ${describedNode(nodes[node])} is 0`;
    node = live[0].user;
  }
}

function compute() {
  forward();
  backward();
}
compute();
