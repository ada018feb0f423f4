// The module that code is lowered into: Node 20's features, one shared memory and one table, both imported.
// Starts from the library's module, or from an empty one where no library function is needed.
import type binaryen from "binaryen";
import type { Binaryen, Module } from "../lower/fn.ts";

const MEMORY = "0";
const MAX_PAGES = 65536;

/** What V8 of Node 20 accepts; naming them one by one keeps binaryen from emitting more. */
function features(b: Binaryen): binaryen.Features {
  const {
    Atomics,
    MutableGlobals,
    NontrappingFPToInt,
    SIMD128,
    BulkMemory,
    BulkMemoryOpt,
    SignExt,
    TailCall,
    Multivalue,
  } = b.Features;
  return (
    Atomics |
    MutableGlobals |
    NontrappingFPToInt |
    SIMD128 |
    BulkMemory |
    BulkMemoryOpt |
    SignExt |
    TailCall |
    Multivalue
  );
}

/** A module with the library's functions in it, or, without a library, with memory and table only. */
export function createModule(b: Binaryen, lib: Uint8Array | undefined): Module {
  const m = lib === undefined ? new b.Module() : b.readBinary(lib);
  m.setFeatures(features(b));
  if (!m.hasMemory()) {
    m.setMemory(1, MAX_PAGES, null, [], true, false, MEMORY);
    m.addMemoryImport(MEMORY, "env", "memory", true);
  }
  if (m.getNumTables() === 0) addTable(m);
  return m;
}

const TABLE = "table";

function addTable(m: Module): void {
  m.addTable(TABLE, 0, 0xffffffff);
  m.addTableImport(TABLE, "env", "table");
}

/** Internal name of the one table. */
export function tableName(b: Binaryen, m: Module): string {
  return b.getTableInfo(m.getTableByIndex(0)).name;
}

/** binaryen's ExternalKinds.Function, a const enum that exists in its types only. */
const FUNCTION_KIND: binaryen.ExternalKinds = 0;

/** Internal names of the functions a module exports, by export name. */
export function exportedFunctions(b: Binaryen, m: Module): Map<string, string> {
  const names = new Map<string, string>();
  for (let i = 0; i < m.getNumExports(); i++) {
    const { kind, name, value } = b.getExportInfo(m.getExportByIndex(i));
    if (kind === FUNCTION_KIND) names.set(name, value);
  }
  return names;
}
