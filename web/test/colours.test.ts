import { beforeAll, expect, it, vi } from "vitest";

class Query extends EventTarget {
  matches = false;
  turn(matches: boolean): void {
    this.matches = matches;
    this.dispatchEvent(new Event("change"));
  }
}

const queries = new Map<string, Query>();
let colours: typeof import("../src/state/colours").colours, preferences: typeof import("../src/state/preferences");

beforeAll(async () => {
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
  vi.stubGlobal("matchMedia", (query: string) => {
    const made = queries.get(query) ?? new Query();
    queries.set(query, made);
    return made;
  });
  preferences = await import("../src/state/preferences");
  ({ colours } = await import("../src/state/colours"));
});

it("what is drawn is drawn anew when the system's colours change, its contrast, or the viewer's choice", () => {
  expect(queries.size).toBe(2);
  const seen = new Set<string>(),
    stop = colours.subscribe(value => seen.add(value));
  for (const query of queries.values()) query.turn(true);
  preferences.prefer("theme", "light");
  stop();
  expect(seen.size).toBe(4);
});
