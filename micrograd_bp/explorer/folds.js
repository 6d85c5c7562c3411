// A large graph is folded; a click on a fold shows its inside, with what it uses and what uses it.
// Where the boxes stand is written by Python, for each fold.

let opened = null;

const LEAD = 62, HEAD = 7, LINE = 17, EDGE = 8; // as in graph_view.py
const kindOf = ({ parents, operation }) => (parents.length ? "operation" : operation ? "constant" : "leaf");

function drawn(parent, tag, attributes, text = "") {
  const element = document.createElementNS(at("graph").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

// Indices as svg_parts.py sets them: one below stands under the one above.
function drawnText(parent, x, y, rich, attributes = {}) {
  const text = drawn(parent, "text", { x, y, ...attributes });
  let height = 0, back = 0;
  for (const [, mark, piece] of rich.matchAll(/([\ue000-\ue002]*)([^\ue000-\ue002]+)/g)) {
    const wanted = { [SUB]: 4, [SUP]: -8 }[mark.at(-1)] ?? 0, isBelow = mark === END + SUB && height < 0;
    const size = wanted ? { "font-size": "75%" } : {};
    drawn(text, "tspan", { dy: wanted - height, dx: isBelow ? `${-back}em` : 0, ...size }, piece);
    back = [...piece].reduce((sum, c) => sum + ("(),".includes(c) ? 0.34 : 0.6), 0);
    height = wanted;
  }
  return text;
}

function drawNode(svg, i, [x, y, width, height]) {
  const node = nodes[i], kind = kindOf(node), rows = kind === "operation" ? 3 : 2;
  const group = drawn(svg, "g", { class: `node ${kind}`, "data-nodes": i });
  drawn(group, "rect", { x, y, width, height, rx: kind === "leaf" ? 0 : 9, class: "box" });
  const left = x + EDGE, right = x + width - EDGE, first = y + (height - rows * LINE - 11) / 2 + LINE + 2;
  const isConstant = node.name === show(recorded[i].data) && kind === "constant";
  drawnText(group, left, first, isConstant ? "constant" : node.name, { class: isConstant ? "small" : "name" });
  if (rows === 3) {
    drawnText(group, right, first, node.symbol ?? node.operation, { class: "small", "text-anchor": "end" });
    drawnText(group, left, first + LINE, "data", { class: "small" });
  }
  const data = first + (rows - 2) * LINE;
  drawnText(group, left, data + LINE, node.gradName.startsWith("δ") ? node.gradName : "grad", { class: "small" });
  ["data", "grad"].forEach((name, row) =>
    drawn(group, "text", { x: right, y: data + row * LINE, "text-anchor": "end", [`data-${name}`]: i }));
}

function drawFold(svg, k, [x, y, width, height]) {
  const { title, nodes: members } = page.folds[k];
  const group = drawn(svg, "g", { class: "node fold", "data-fold": k, "data-nodes": "" });
  drawn(group, "rect", { x: x + 4, y: y - 4, width, height, class: "behind" });
  drawn(group, "rect", { x, y, width, height, class: "box" });
  drawnText(group, x + EDGE, y + LINE + 2, title, { class: "name" });
  drawnText(group, x + EDGE, y + 2 * LINE + 2, `${members.length} nodes`, { class: "small" });
  drawn(group, "text", { x: x + EDGE, y: y + 3 * LINE + 2, class: "now small" });
}

// An arrow from one box to another; into a node one an operand, else one for all.
function arrowsBetween(boxes, inside) {
  const boxOf = new Map(boxes.flatMap((box) => box.members.map((i) => [i, box])));
  const arrows = new Map();
  for (const box of boxes) {
    for (const i of box.members) {
      nodes[i].parents.forEach((parent, slot) => {
        const source = boxOf.get(parent);
        if (!source || source === box || !(inside.has(i) || inside.has(parent))) return;
        const key = box.fold === undefined ? `${i} ${slot}` : `${source.members[0]} to ${box.members[0]}`;
        if (!arrows.has(key)) arrows.set(key, { key, source, target: box, isOne: box.fold === undefined });
      });
    }
  }
  return [...arrows.values()];
}

function drawArrows(svg, arrows) {
  const arriving = new Map();
  for (const arrow of arrows) arriving.set(arrow.target, [...(arriving.get(arrow.target) ?? []), arrow]);
  const labels = [];
  for (const [{ place: [x, top, , height] }, list] of arriving) {
    list.forEach(({ key, source, isOne }, slot) => {
      const y = top + (height * (slot + 1)) / (list.length + 1), start = x - (isOne ? LEAD : 3 * HEAD);
      const [left, above, width, tall] = source.place, from = left + width, middle = (from + start) / 2;
      const group = drawn(svg, "g", { class: "edge", ...(isOne ? { "data-edge": key } : {}) });
      drawn(group, "path", { class: "line", d: `M${from},${above + tall / 2}C${middle},${above + tall / 2} ${middle},${y} ${start},${y}H${x - HEAD}` });
      drawn(group, "path", { class: "head", d: `M${x},${y}l-${HEAD},-4v8z` });
      if (isOne) labels.push({ x: x - HEAD - 2, y: y - 3, class: "local", "text-anchor": "end", "data-edge": key });
    });
  }
  for (const label of labels) drawn(svg, "text", label);
}

function drawInside(k) {
  const { title, nodes: members, boxes, width, height } = page.folds[k];
  const svg = drawn(at("graph-view"), "svg", {
    id: "inside-graph", role: "img", "aria-label": `Inside of ${plain(title)}, ${members.length} nodes`, viewBox: `-12 -12 ${width + 24} ${height + 24}`,
  });
  const all = boxes.map(([ref, ...place]) =>
    ref < 0 ? { fold: -ref - 1, members: page.folds[-ref - 1].nodes, place } : { members: [ref], place });
  drawArrows(svg, arrowsBetween(all, new Set(members)));
  for (const { fold, members: [i], place } of all) {
    if (fold === undefined) drawNode(svg, i, place);
    else drawFold(svg, fold, place);
  }
}

function openFold(k) {
  opened = k;
  document.getElementById("inside-graph")?.remove();
  at("graph").toggleAttribute("hidden", k !== null);
  if (k !== null) drawInside(k);
  at("inside").value = k ?? "";
  at("graph-view").isPlaced = false;
  collect();
  enliven();
  showStep(false);
  follow(true);
}

// What a fold says: of its nodes the current one, or one that is used; else its largest number.
function showFolds(current, operands, numbers, pass) {
  if (page.folds.length === 0) return;
  for (const { element, members } of elements.nodes) {
    if (!element.dataset.fold) continue;
    const inside = new Set(members), seen = [...current, ...operands].filter((i) => inside.has(i));
    const { name, gradName } = nodes[seen[0]] ?? {}, number = numbers[seen[0]] ?? null;
    let text = seen.length > 0 && seen.length < 3 ? `${pass === "backward" ? gradName : name} = ${number === null ? "—" : pictured(number)}` : "";
    const sizes = members.map((i) => Math.abs(numbers[i])).filter(Boolean);
    if (!text && sizes.length) text = `max |${pass === "backward" ? "grad" : "data"}| ${pictured(sizes.reduce((x, y) => Math.max(x, y)))}`;
    setText(element.querySelector(".now"), typeset(text));
  }
}

// Whether the picture has the node of a step; if not, the whole is shown again.
function isInPicture(current) {
  if (opened === null || current.length !== 1) return true;
  return elements.nodes.some(({ element, members }) => element.closest("#inside-graph") && members.includes(current[0]));
}

at("inside").addEventListener("change", () => openFold(at("inside").value === "" ? null : Number(at("inside").value)));
add(at("inside"), "option").textContent = "the whole";
at("inside").firstChild.value = "";
page.folds.forEach(({ title, path, nodes: members }, k) => {
  const option = add(at("inside"), "option");
  option.value = k;
  option.textContent = typeset(`${path}${title}, ${members.length} nodes`);
});
document.body.classList.toggle("no-folds", page.folds.length === 0);
