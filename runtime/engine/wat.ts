// An emitted module as text, for people.
import { moduleText } from "../../jit/emit/text.ts";

export const fmtWat = (wasm: Uint8Array): Promise<string> => moduleText(wasm);
