// Runs each case of a folder: node run.mjs onnxruntime-web FOLDER
// A case is NAME.json: {model, runs: [{inputs: {name: {type, dims, file}}, output: file}]}; all files lie in the folder.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array };

const [runtime, folder] = process.argv.slice(2);
const loaded = await import(runtime);
const ort = loaded.InferenceSession ? loaded : loaded.default;
if (runtime === "onnxruntime-web") ort.env.wasm.numThreads = 1;

function tensor({ type, dims, file }) {
  const bytes = readFileSync(join(folder, file));
  return new ort.Tensor(type, new ARRAYS[type](new Uint8Array(bytes).buffer), dims);
}

for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
  const { model, runs } = JSON.parse(readFileSync(join(folder, name)));
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(join(folder, model))));
  for (const { inputs, output } of runs) {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([key, given]) => [key, tensor(given)]));
    const { heatmap } = await session.run(feeds);
    writeFileSync(join(folder, output), Buffer.from(new Float32Array(heatmap.data).buffer));
  }
  await session.release();
}
