import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loudness } from "../src/compute/sound";
import { brokerUrl, derOf, fingerprint, pairingUrl, snippets } from "../src/compute/snippets";
import { BEHIND_MS, isBehind, isNewer, remaining, span, tomorrow } from "../src/compute/time";
import { shown, shownDifference, usualUnit } from "../src/compute/units";
import { OPENING, path, positionAt, sash } from "../src/compute/window";
import { parse, roomPath, rulesPath } from "../src/router";
import { de } from "../src/text/de";
import { en } from "../src/text/en";

describe("spans", () => {
  it.each([
    [-5, 0, "second"],
    [59_999, 59, "second"],
    [60_000, 1, "minute"],
    [3_599_999, 59, "minute"],
    [7_200_000, 2, "hour"],
    [200_000_000, 2, "day"],
  ])("%i ms", (length, count, unit) => expect(span(length)).toEqual({ count, unit }));
  it.each([
    [-5, 0, "second", 0],
    [59_000, 59, "second", 0],
    [89_000, 1, "minute", 0],
    [7_199_000, 2, "hour", 0],
    [5_460_000, 1, "hour", 31],
    [23 * 3_600_000 + 1_700_000, 23, "hour", 0],
    [5 * 86_400_000 - 1_000, 5, "day", 0],
  ])("%i ms that are left are rounded", (length, count, unit, minutes) =>
    expect(remaining(length)).toEqual({ count, unit, minutes }),
  );
  it("tomorrow is the next day, at seven", () => {
    const day = tomorrow(new Date(2026, 11, 31, 23, 59));
    expect([day.getFullYear(), day.getMonth(), day.getDate(), day.getHours(), day.getMinutes()]).toEqual([2027, 0, 1, 7, 0]);
  });
  it("a value is behind that is much older than what its device said last", () => {
    const last_seen = "2026-01-01T12:00:00Z",
      heard = { last_seen, health: {} },
      of = (age: number) => ({ timestamp: new Date(Date.parse(last_seen) - age).toISOString() });
    expect([of(0), of(BEHIND_MS), of(-BEHIND_MS), of(BEHIND_MS + 1)].map(one => isBehind(one, heard))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    const nothing = [isBehind(null, heard), isBehind(of(BEHIND_MS + 1), { last_seen: null, health: {} })];
    expect(nothing, "nothing is not old").toEqual([false, false]);
  });
  it("a device that reports once an hour may be hours behind, one that reports often may not", () => {
    const at = (minutes: number, interval_s: number | null) =>
      isBehind(
        { timestamp: new Date(Date.parse("2026-01-01T12:00:00Z") - minutes * 60_000).toISOString() },
        { last_seen: "2026-01-01T12:00:00Z", health: { interval_s } },
      );
    expect([at(100, 3_600), at(181, 3_600), at(14, 10), at(16, 10), at(16, null)]).toEqual([false, true, false, true, true]);
  });
  it("something is newer than nothing", () =>
    expect([isNewer({ timestamp: "2026-01-01T00:00:00Z" }, null), isNewer(null, null)]).toEqual([true, false]));
});

describe("units", () => {
  it("only temperatures have two", () => {
    expect(shown("temperature", 20, "°C", "F")).toEqual({ value: 68, unit: "°F" });
    expect(shown("humidity", 20, "%", "F")).toEqual({ value: 20, unit: "%" });
    expect(shownDifference(1, "F")).toEqual({ value: 1.8, unit: "°F" });
  });
  it("follow the region", () => expect(["en-US", "en-GB", "de", "en"].map(usualUnit)).toEqual(["F", "C", "C", "F"]));
});

it("sound has the words of the model's reasons, twice and half of what it was trained on apart", () => {
  expect([-90, -47.5, -47, -41.5, -36, -35.5, -5].map(loudness)).toEqual([
    "quiet",
    "quiet",
    "ordinary sound",
    "ordinary sound",
    "ordinary sound",
    "loud",
    "loud",
  ]);
  const reason = readFileSync(new URL("../../crates/ml/src/reason.rs", import.meta.url), "utf8");
  for (const word of ["quiet", "ordinary sound", "loud"]) {
    expect(reason).toContain(`=> "${word}"`);
    expect([Object.keys(en.said.air), Object.keys(en.loudness)]).toEqual([
      expect.arrayContaining([word]),
      expect.arrayContaining([word]),
    ]);
  }
  expect(reason).toContain("const LEVEL_FACTOR: f64 = 2.0;");
});

describe("the window", () => {
  it("covers its opening when it is shut", () => {
    const { x, y, width, height } = OPENING;
    expect(sash(0)).toEqual([
      [x, y],
      [x + width, y],
      [x + width, y + height],
      [x, y + height],
    ]);
  });
  it("uncovers more the further it opens", () => {
    const edges = [0, 25, 50, 75, 100].map(position => sash(position)[1][0]);
    expect(edges).toEqual([...edges].sort((one, other) => other - one));
    expect(new Set(edges).size).toBe(5);
  });
  it("is found again where it was drawn", () => {
    for (const position of [0, 20, 50, 80, 100]) {
      const share = (sash(position)[1][0] - OPENING.x) / OPENING.width;
      expect(positionAt(share)).toBe(position);
    }
    expect([positionAt(-3), positionAt(7)]).toEqual([100, 0]);
  });
  it("is no path of NaN for what cannot be", () => expect(path(sash(250))).toBe(path(sash(100))));
});

describe("addresses", () => {
  it("lead back to what they were made of", () =>
    expect([parse(roomPath("a_b-1")), parse(rulesPath("a/b"))]).toEqual([
      { screen: "room", device_id: "a_b-1" },
      { screen: "schedules", device_id: "a/b" },
    ]));
  it.each([
    ["", "rooms"],
    ["#/", "rooms"],
    ["#/devices", "devices"],
    ["#/schedules/%E0%A4%A", "unknown"],
    ["#/nothing", "unknown"],
    ["#/rooms/%E0%A4%A", "unknown"],
    ["#/rooms", "unknown"],
  ])("%j is %s", (fragment, screen) => expect(parse(fragment).screen).toBe(screen));
});

describe("lines to copy", () => {
  it("name the broker, with its certificate only in TLS", () => {
    const plain = snippets({ host: "10.0.0.2", port: 1883, tls: false }),
      safe = snippets({ host: "home.local", port: 8883, tls: true });
    expect(plain.map(({ name }) => name)).toEqual(["mosquitto_pub", "Arduino", "ESPHome", "ESP-IDF"]);
    for (const { text } of plain) expect(text).toMatch(/10\.0\.0\.2/);
    for (const { text } of plain) expect(text).not.toMatch(/ca_pem|cafile|CACert/i);
    for (const { text } of safe) expect(text).toMatch(/ca_pem|cafile|CACert/i);
  });
  it("fetch the authority first, and say how to know it", () => {
    const authority = { url: "https://home.local:8443/assets/ca.pem", sha256: "AB:CD:01" },
      place = { host: "home.local", port: 8883, tls: true, authority };
    const lines = snippets(place)[0]!.text.split("\n");
    expect(lines[0]).toBe("curl -sk -o ca.pem https://home.local:8443/assets/ca.pem");
    expect(lines[1]).toContain("AB:CD:01");
    const url = new URL(pairingUrl(place));
    expect([url.host, url.searchParams.get("ca"), url.searchParams.get("ca_sha256")]).toEqual([
      "home.local:8883",
      authority.url,
      "abcd01",
    ]);
    expect(pairingUrl({ host: "home.local", port: 1883, tls: false, authority })).toBe("mqtt://home.local:1883");
  });
  it("know a certificate by its bytes", () => {
    const der = derOf("text before\n-----BEGIN CERTIFICATE-----\nAQID\n/w==\n-----END CERTIFICATE-----\n");
    expect(fingerprint(der!)).toBe("01:02:03:FF");
    expect(derOf("no certificate")).toBeNull();
  });
  it("write an address of IPv6 in brackets", () =>
    expect(brokerUrl({ host: "fe80::1", port: 1883, tls: false })).toBe("mqtt://[fe80::1]:1883"));
});

describe("languages", () => {
  const leaves = (texts: object, prefix = ""): string[] =>
    Object.entries(texts).flatMap(([name, value]) =>
      typeof value === "object" ? leaves(value as object, `${prefix}${name}.`) : [`${prefix}${name}:${typeof value}`],
    );
  it("say the same things", () => expect(leaves(de).sort()).toEqual(leaves(en).sort()));
  it("leave nothing empty", () => {
    const empty = (texts: object): boolean =>
      Object.values(texts).some(value => (typeof value === "object" ? empty(value as object) : value === ""));
    expect([empty(en), empty(de)]).toEqual([false, false]);
  });
});
