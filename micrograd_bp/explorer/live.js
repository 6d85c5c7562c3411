// The page lives: a leaf is changed and everything is computed again; the weights take steps down
// the gradient; and each change can be taken back.

const fields = new Map(); // by leaf
const isChangeable = page.isLive && leaves.length > 0;
let past = []; // what undo goes back to
let losses = { all: [], length: 0 }; // the error after each step of learning
let running = null;
let rate = page.points && !page.points.isMean ? Number(Math.min(0.1, 0.5 / page.points.rows.length).toPrecision(1)) : 0.1;

// What learning makes small: the root; with data points the total.
const goal = page.points ? "E" : page.root;
const errorNow = () => (total ? total.error : nodes[root].data);
const gradOfGoal = (i) => (total ? total.grads.get(i) : grads[i]);
const canLearn = () => !(total ?? nodes[root]).refusal && nodes[root].isKnown;
const known = (x) => (Number.isNaN(x) ? "—" : x); // what is refused has no number
const dataOf = () => leaves.map((i) => nodes[i].data);

// --- changes --------------------------------------------------------------------------------------

function remember() {
  past.push({ data: dataOf(), rows, losses: { ...losses } });
  if (past.length > 1000) past.shift();
}

function setData(change) {
  for (const [i, x] of change) nodes[i].data = x;
  keepRow();
  compute();
  addUp();
  showStep(false);
  showNumbers();
}

// Sets one leaf, as part of the change that goes on if there is one.
function setLeaf(i, x, isGoingOn = false) {
  if (Object.is(nodes[i].data, x)) return;
  pause();
  if (!isGoingOn) remember();
  setData([[i, x]]);
  setText(at("live"), `${spoken(nodes[i].name)} = ${show(x)}. ${spoken(goal)} = ${show(errorNow())}`);
}

function undo() {
  pause();
  const before = past.pop();
  if (!before) return;
  losses = before.losses;
  rows = before.rows;
  setData([...leaves.map((i, k) => [i, before.data[k]]), ...ofRow()]);
}

function asRecorded() {
  pause();
  remember();
  losses = { all: [], length: 0 };
  rows = recordedRows;
  setData([...leaves.map((i) => [i, recorded[i].data]), ...ofRow()]);
}

// --- fields ---------------------------------------------------------------------------------------

// One more step of 1 % of the size; the digits that only rounding makes are left out.
const stepped = (x, steps) => Number((x + steps * (Math.abs(x) / 100 || 0.01)).toPrecision(12));

function numberIn(input) {
  const x = input.value.trim() === "" ? NaN : Number(input.value);
  input.setAttribute("aria-invalid", !Number.isFinite(x));
  return Number.isFinite(x) ? x : null;
}

// A text field for a number: Enter or leaving it applies, Escape restores, the arrows step by 1 %.
function makeSpin(input, get, set, next = stepped) {
  const restore = () => {
    input.value = String(get());
    input.setAttribute("aria-valuenow", input.value);
    input.setAttribute("aria-invalid", false);
  };
  const apply = () => {
    const x = numberIn(input);
    if (x !== null) set(x);
  };
  input.addEventListener("change", apply);
  input.addEventListener("blur", () => input.getAttribute("aria-invalid") === "true" || restore());
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Escape") restore();
    else if (event.key === "Enter") apply();
    else if (steps) {
      event.preventDefault();
      const x = numberIn(input);
      if (x === null) return;
      set(next(x, steps));
      restore();
    }
  });
  restore();
  return restore;
}

function makeField(i) {
  const node = nodes[i], label = add(at("fields"), "label", "field");
  const name = write(add(label, "span"), node.name), input = add(label, "input");
  for (const [key, value] of Object.entries({ role: "spinbutton", inputmode: "decimal", autocomplete: "off" })) {
    input.setAttribute(key, value);
  }
  const scope = node.scope && ` in ${node.scope.slice(1, -1)}`;
  input.setAttribute("aria-label", `data of ${plain(node.name)}${scope}`);
  fields.set(i, { label, input, restore: makeSpin(input, () => nodes[i].data, (x) => setLeaf(i, x)) });
  makeDraggable(name, i);
}

function showFields(current, operands) {
  followPass(current);
  for (const [i, { label }] of fields) {
    label.classList.toggle("current", current.includes(i));
    label.classList.toggle("operand", !current.includes(i) && operands.includes(i));
  }
}

function goToField(i) {
  at("numbers").open = true;
  fields.get(i)?.input.focus();
  fields.get(i)?.input.select();
}

// --- dragging -------------------------------------------------------------------------------------

const PIXELS = 4; // to the right or left, for 1 % more or less

function makeDraggable(element, i) {
  if (element.classList.contains("drag")) return;
  let from = null;
  element.classList.add("drag");
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, data: nodes[i].data, moved: false };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const steps = from ? Math.trunc((event.clientX - from.x) / PIXELS) : 0;
    if (!from || (steps === 0 && !from.moved)) return;
    if (!from.moved) {
      pause();
      remember();
    }
    from.moved = true;
    setLeaf(i, stepped(from.data, steps), true);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    element.addEventListener(end, () => {
      const hasMoved = from?.moved;
      from = null;
      // A drag is no click on the node or the field.
      if (hasMoved) addEventListener("click", (event) => { event.stopPropagation(); event.preventDefault(); }, { capture: true, once: true });
    });
  }
}

// --- what is refused ------------------------------------------------------------------------------

function showRefusals() {
  const first = nodes.findIndex((node) => node.refusal);
  const own = first >= 0 ? nodes[first].refusal : isRecorded ? "" : refusalOfBackward;
  const text = own || total?.refusal || "";
  setText(at("refusal"), text);
  for (const bubble of document.querySelectorAll(".bubble")) bubble.remove();
  if (first < 0) return;
  for (const { element, members } of elements.nodes) {
    if (!members.includes(first) || element.closest(".pass:not(.now)")) continue;
    const bubble = add(element.closest(".view"), "div", "bubble");
    bubble.textContent = text;
    bubble.anchor = element;
  }
  placeBubbles();
}

// Below its node, and within its view.
function placeBubbles() {
  for (const bubble of document.querySelectorAll(".bubble")) {
    const view = bubble.parentElement, frame = view.getBoundingClientRect();
    const box = bubble.anchor.querySelector(".box, .line").getBoundingClientRect();
    const left = Math.min(box.left, frame.left + view.clientWidth - bubble.offsetWidth - 4);
    bubble.style.left = `${Math.max(left - frame.left, 4) + view.scrollLeft}px`;
    bubble.style.top = `${box.bottom - frame.top + view.scrollTop + 4}px`;
  }
}

// --- learning -------------------------------------------------------------------------------------

function descend() {
  if (!canLearn() || page.weights.some((i) => !Number.isFinite(gradOfGoal(i)))) return pause();
  remember();
  losses.all.length = losses.length; // what was undone is forgotten
  if (losses.length === 0) losses.all.push(errorNow());
  const change = page.weights.map((i) => [i, nodes[i].data - rate * gradOfGoal(i)]);
  setData(change);
  losses.all.push(errorNow());
  losses.length = losses.all.length;
  showCurve();
}

function run() {
  descend();
  if (running !== null) running = setTimeout(run, 60);
}

function pause() {
  clearTimeout(running);
  running = null;
  setText(at("run"), "Run");
}

function runOrPause() {
  if (running !== null) return pause();
  setText(at("run"), "Pause");
  running = setTimeout(run, 0);
}

function showCurve() {
  const shown = losses.all.slice(0, losses.length).filter(Number.isFinite);
  const n = Math.max(shown.length - 1, 0), most = Math.max(...shown, 0) || 1;
  const point = (y, k) => [4 + (292 * k) / Math.max(n, 1), 76 - 72 * (Math.max(y, 0) / most)];
  const points = shown.map(point);
  at("curve").querySelector("polyline").setAttribute("points", points.map((xy) => xy.map((x) => x.toFixed(1)).join()).join(" "));
  const last = at("curve").querySelector("circle");
  last.style.display = points.length ? "" : "none";
  if (points.length) ["cx", "cy"].forEach((name, k) => last.setAttribute(name, points.at(-1)[k]));
  const steps = `${n} ${n === 1 ? "step" : "steps"}`;
  write(replace(at("loss")), [`${goal} = `, known(errorNow())]);
  at("curve").setAttribute("aria-label", n ? `${plain(goal)} from ${show(shown[0])} to ${show(shown[n])} in ${steps}` : `${plain(goal)} over the steps: none yet`);
}

function showNumbers() {
  for (const [, { input, restore }] of fields) {
    if (document.activeElement !== input || input.getAttribute("aria-invalid") !== "true") restore();
  }
  at("undo").disabled = past.length === 0;
  at("recorded").disabled = !hasChanged();
  at("descend").disabled = at("run").disabled = !canLearn();
  showRefusals();
  showCurve();
  showPoints();
}

// In the pictures a leaf's number is dragged, and a double click goes to its field.
function enliven() {
  for (const { element, members: [i] } of elements.data) if (fields.has(i)) makeDraggable(element, i);
  for (const { element, members } of elements.nodes) {
    const leaf = element.dataset.fold ? undefined : members.find((i) => fields.has(i));
    if (leaf !== undefined) element.ondblclick = () => goToField(leaf);
  }
}

// --- where the leaves are changed -----------------------------------------------------------------

if (isChangeable) {
  for (const i of page.leaves) makeField(i);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.matches("input, select, button, summary")) return;
    const leaf = modes[mode].steps[steps[mode]].current.find((i) => fields.has(i));
    if (leaf !== undefined) goToField(leaf);
  });
  makeSpin(at("rate"), () => rate, (x) => { rate = x; });
  const tools = { undo, recorded: asRecorded, descend: () => { pause(); descend(); }, run: runOrPause };
  for (const [id, action] of Object.entries(tools)) at(id).addEventListener("click", action);
  write(at("learn").querySelector("summary"), `Let it learn: w := w − η ∂${goal}/∂w`);
}
document.body.classList.toggle("still", !isChangeable);
document.body.classList.toggle("no-error", page.weights.length === 0);
