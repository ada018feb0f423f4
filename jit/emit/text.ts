// An emitted module as WebAssembly text, for people. Loads binaryen when asked.
import { createModule } from "./module.ts";

export async function moduleText(wasm: Uint8Array): Promise<string> {
  const { default: binaryen } = await import("binaryen");
  const m = createModule(binaryen, wasm);
  try {
    return m.emitText();
  } finally {
    m.dispose();
  }
}
