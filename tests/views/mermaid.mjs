// Reads diagrams (paths as arguments) with Mermaid's own parser, and says what each box and line is.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const require = createRequire(process.env.MERMAID_MODULES + "/");
const { JSDOM } = require("jsdom");
const dom = new JSDOM("<body></body>");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
const { default: mermaid } = await import(require.resolve("mermaid").replace(/mermaid\.(core|min)?\.?(c?js|mjs)$/, "mermaid.core.mjs"));
const found = [];
for (const path of process.argv.slice(2)) {
  const text = readFileSync(path, "utf-8");
  await mermaid.parse(text);
  const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
  const vertices = [...diagram.db.getVertices().values()].map((each) => [each.id, each.text]);
  found.push({ type: diagram.type, vertices, edges: diagram.db.getEdges().length, groups: diagram.db.getSubGraphs().length });
}
console.log(JSON.stringify(found));
