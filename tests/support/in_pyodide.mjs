// Runs a Python program in Pyodide: node in_pyodide.mjs PYODIDE_MJS FOLDER_TO_IMPORT_FROM < program
import { readFileSync } from "node:fs";

const [pyodide, folder] = process.argv.slice(2);
const { loadPyodide } = await import(pyodide);
const python = await loadPyodide();
python.mountNodeFS("/import", folder);
python.runPython("import sys; sys.path.insert(0, '/import')");
try {
    python.runPython(readFileSync(0, "utf8"));
} catch (error) {
    console.error(error.message);
    process.exitCode = 1;
}
