// A CO-RE relocation in libbpf's words (bpf_core_format_spec), for logs: what was looked for, by the program's own types.
import type { Btf } from "./btf.ts";
import { coreKind, type CoreRecord } from "./core.ts";
import { type CoreSpec, enumSpec, fieldSpec, typeSpec } from "./core_spec.ts";

function fieldText(spec: CoreSpec, accessStr: string): string {
  const path = spec.steps.map((step, i) => {
    if (step.name !== undefined) return `.${step.name}`;
    return i > 0 || step.idx > 0 ? `[${step.idx}]` : "";
  });
  const bits = spec.bitOff % 8;
  const off = `${Math.floor(spec.bitOff / 8)}${bits === 0 ? "" : `.${bits}`}`;
  return `${path.join("")} (${accessStr} @ offset ${off})`;
}

function enumText(spec: CoreSpec): string {
  const [step] = spec.steps;
  const t = step === undefined ? undefined : spec.btf.byId(step.typeId);
  const value = t?.kind === "enum" || t?.kind === "enum64" ? t.values[step?.idx ?? -1]?.value : undefined;
  return `::${step?.name} = ${value}`;
}

/** Such as `<byte_off> [27] struct sk_buff.len (0:0 @ offset 0)`. Throws where the relocation means nothing. */
export function fmtCoreRelo(btf: Btf, r: CoreRecord): string {
  const { name, family } = coreKind(r.kind);
  const root = btf.byId(r.typeId);
  const head = `<${name}> [${root.id}] ${root.kind} ${root.name || "<anon>"}`;
  switch (family) {
    case "field":
      return head + fieldText(fieldSpec(btf, r.typeId, r.accessStr), r.accessStr);
    case "enum":
      return head + enumText(enumSpec(btf, r.typeId, r.accessStr));
    case "type":
      return typeSpec(btf, r.typeId, r.accessStr) && head;
  }
}
