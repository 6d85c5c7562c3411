// The chain rule's picture: a node, the nodes that use it, and what each of them brings back.

const MOST_USES = 8;

// The node that the picture is of: of a unit z_j, which the next layer uses.
function nodeOfChain(state, current, pass) {
  if (pass !== "backward" || !nodes[root].isKnown || current.length === 0 || current.length > 2) return null;
  const i = Math.max(...current);
  return uses[i].length && state.grads[i] !== null ? i : null;
}

function showChain(state, current, pass) {
  const box = replace(at("chain")), i = nodeOfChain(state, current, pass);
  if (i === null) return;
  const all = [...uses[i]].sort((one, other) => one.user - other.user), shown = all.slice(0, MOST_USES);
  const rows = add(box, "div", "chain"), left = card(rows, i, grads[i]);
  left.style.gridRow = `span ${shown.length}`;
  for (const { user, local, adjoint, brought } of shown) {
    const arrow = add(rows, "div", "arrow");
    write(add(arrow, "span"), pictured(brought));
    write(add(arrow, "span"), `${pictured(local)} ×`);
    card(rows, user, adjoint);
  }
  const more = all.length - shown.length;
  const sum = all.length > 1 ? `the sum of what its ${all.length} uses bring back${more ? `, ${more} of them not shown` : ""}: each time` : "what its one use brings back:";
  write(add(box, "p", "note"), `${nodes[i].gradName} is ${sum} the local derivative × the grad there.`);
}

function card(parent, i, grad) {
  const box = add(parent, "div", "card");
  write(add(box, "b"), nodes[i].name);
  write(add(box, "span"), `${nodes[i].gradName} = ${pictured(grad)}`);
  return box;
}
