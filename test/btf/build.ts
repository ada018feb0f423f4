// BTF bytes for tests: types in C order, strings collected.
const KIND = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
} as const;

export class BtfBuilder {
  readonly #words: number[] = [];
  readonly #strings: number[];
  readonly #firstChar: number;
  #count: number;

  /** `base`: of a module, whose types go on behind those of the kernel. */
  constructor(base?: BtfBuilder) {
    this.#strings = base === undefined ? [0] : [];
    this.#firstChar = base === undefined ? 0 : base.#strings.length;
    this.#count = base === undefined ? 0 : base.#count;
  }

  str(s: string): number {
    if (s === "") return 0;
    const at = this.#firstChar + this.#strings.length;
    this.#strings.push(...Buffer.from(s), 0);
    return at;
  }

  /** A record; `words` follow the head. Returns the id. */
  add(
    kind: keyof typeof KIND,
    name: string,
    vlen: number,
    word: number,
    words: readonly number[] = [],
    flag = false,
  ): number {
    this.#words.push(this.str(name), ((flag ? 1 : 0) << 31) | (KIND[kind] << 24) | vlen, word, ...words);
    return ++this.#count;
  }

  int(name: string, size: number, enc = 0): number {
    return this.add("int", name, 0, size, [(enc << 24) | (size * 8)]);
  }

  struct(
    name: string,
    size: number,
    members: readonly (readonly [string, number, number, number?])[],
    kind: "struct" | "union" = "struct",
  ): number {
    const flag = members.some((m) => m[3] !== undefined);
    const words = members.flatMap(([n, t, off, bits]) => [
      this.str(n),
      t,
      flag ? ((bits ?? 0) << 24) | off : off,
    ]);
    return this.add(kind, name, members.length, size, words, flag);
  }

  bytes(): Uint8Array {
    const types = this.#words.length * 4;
    const out = new Uint8Array(24 + types + this.#strings.length);
    const v = new DataView(out.buffer);
    [0x1eb9f, 24, 0, types, types, this.#strings.length].forEach((w, i) => v.setUint32(i * 4, w, true));
    this.#words.forEach((w, i) => v.setUint32(24 + i * 4, w >>> 0, true));
    out.set(this.#strings, 24 + types);
    return out;
  }
}
