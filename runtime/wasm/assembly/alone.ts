// Whether anyone else works in this world: what needs no lock and no atomic exchange where nobody does.
import * as L from "../../memory/layout";

/** One thread does everything in this world: locks and read-modify-writes need not be atomic. */
@inline
export function alone(): bool {
  return (load<i32>(L.WORLD_FLAGS) & L.WORLD_F_ALONE) != 0;
}

/** And there is one CPU. */
@inline
export function sole(): bool {
  return (load<i32>(L.WORLD_FLAGS) & L.WORLD_F_SOLE) != 0;
}
