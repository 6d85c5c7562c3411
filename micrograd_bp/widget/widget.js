// Sliders that write `numbers`; a picture, a table and a message that Python writes.
function render({ model, el }) {
  const add = (parent, tag, name) => {
    const child = document.createElement(tag);
    child.className = "micrograd-bp-" + name;
    parent.append(child);
    return child;
  };
  const controls = add(el, "div", "sliders");
  controls.addEventListener("keydown", (event) => event.stopPropagation()); // not for JupyterLab
  const inputs = {};
  for (const { name, label: called, low, high, step } of model.get("sliders")) {
    const label = add(controls, "label", "slider");
    add(label, "span", "name").textContent = called;
    const input = add(label, "input", "input");
    Object.assign(input, { type: "range", min: low, max: high, step });
    inputs[name] = [input, add(label, "output", "output")];
    input.addEventListener("input", () => {
      model.set("numbers", { ...model.get("numbers"), [name]: input.valueAsNumber });
      model.save_changes();
    });
  }
  const message = add(el, "div", "message");
  message.setAttribute("role", "alert");
  const result = add(el, "div", "result");
  const table = add(result, "div", "table");
  const picture = add(result, "div", "picture");
  const show = () => {
    for (const [name, [input, output]] of Object.entries(inputs)) {
      const number = model.get("numbers")[name];
      if (document.activeElement !== input) input.value = number;
      output.textContent = Number(number.toPrecision(6));
    }
    message.textContent = model.get("message");
    result.style.opacity = model.get("message") ? 0.3 : 1;
    if (table.source !== model.get("table")) table.innerHTML = table.source = model.get("table");
    if (picture.source !== model.get("svg")) picture.innerHTML = picture.source = model.get("svg");
  };
  show();
  model.on("change", show);
}

export default { render };
