// Lists that are empty and filled later, of the kind that V8 gives to arrays of objects. One that begins as `[]` is of
// another kind until its first entry, and code compiled for that kind alone is thrown away when the entry comes.

const EMPTY: readonly undefined[] = [undefined].slice(1);

export function emptyList<T extends object | undefined>(): T[] {
  return EMPTY.slice() as T[];
}
