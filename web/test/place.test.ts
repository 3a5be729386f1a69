import { describe, expect, it } from "vitest";
import { authorityUrl, guessedPlace, isLoopback, placeOf, type Configuration } from "../src/compute/place";

/** As `casement up --lan` listens. */
const LAN: Configuration = {
  broker: {
    listeners: [
      { addr: "127.0.0.1:1883" },
      { addr: "0.0.0.0:8883", tls: true },
      { addr: "0.0.0.0:8884", tls: true, websocket: true },
    ],
  },
  http: { listeners: [{ addr: "127.0.0.1:8080" }, { addr: "0.0.0.0:8443", tls: true }] },
};
const NETWORK = "mqtts://192.0.2.20:8883";

describe("where devices reach the broker", () => {
  it.each<[string, Configuration, string, string | null, object]>([
    ["nothing is set: on this machine", {}, "127.0.0.1", null, { host: "127.0.0.1", port: 1883, tls: false, onlyHere: "closed" }],
    [
      "an address of its own",
      { broker: { addr: "127.0.0.1:1999" } },
      "localhost",
      null,
      { host: "localhost", port: 1999, tls: false, onlyHere: "closed" },
    ],
    [
      "with --lan, on the machine itself: its address in the network",
      LAN,
      "127.0.0.1",
      NETWORK,
      { host: "192.0.2.20", port: 8883, tls: true },
    ],
    [
      "the same by the machine's IPv6",
      LAN,
      "[::1]",
      "mqtts://[2001:db8::7]:8883",
      { host: "2001:db8::7", port: 8883, tls: true },
    ],
    [
      "with --lan, from elsewhere: as the page is reached",
      LAN,
      "casement.lan",
      null,
      { host: "casement.lan", port: 8883, tls: true },
    ],
    [
      "whoever is no admin is not told a wrong one",
      LAN,
      "localhost",
      null,
      { host: "localhost", port: 8883, tls: true, onlyHere: "unnamed" },
    ],
    [
      "a listener at one address names it",
      { broker: { listeners: [{ addr: "192.0.2.9:1883" }] } },
      "127.0.0.1",
      null,
      { host: "192.0.2.9", port: 1883, tls: false },
    ],
    [
      "on this machine alone, in TLS",
      { broker: { listeners: [{ addr: "127.0.0.1:8883", tls: true }] } },
      "127.0.0.1",
      null,
      { host: "127.0.0.1", port: 8883, tls: true, onlyHere: "closed" },
    ],
    [
      "the same, looked at from elsewhere",
      { broker: { addr: "127.0.0.1:1999" } },
      "casement.lan",
      null,
      { host: "casement.lan", port: 1999, tls: false, onlyHere: "closed" },
    ],
    [
      "a broker beside it, on its own machine",
      { broker: { embedded: false }, mqtt: { broker: "tcp://127.0.0.1:1883" } },
      "localhost",
      null,
      { host: "localhost", port: 1883, tls: false, onlyHere: "beside" },
    ],
    [
      "a broker elsewhere",
      { broker: { embedded: "auto", addr: "127.0.0.1:1883" }, mqtt: { broker: "ssl://broker.example:8883" } },
      "127.0.0.1",
      null,
      { host: "broker.example", port: 8883, tls: true },
    ],
    [
      "a broker beside it, seen from elsewhere",
      { broker: { embedded: false }, mqtt: { broker: "tcp://127.0.0.1:1883" } },
      "casement.lan",
      null,
      { host: "casement.lan", port: 1883, tls: false },
    ],
    [
      "the service's own, as it is called by default",
      {
        broker: { embedded: "auto", listeners: [{ addr: "0.0.0.0:8883", tls: true }] },
        mqtt: { broker: "tcp://127.0.0.1:1883" },
      },
      "casement.lan",
      null,
      { host: "casement.lan", port: 8883, tls: true },
    ],
  ])("%s", (_, configuration, shownAt, network, place) => expect(placeOf(configuration, shownAt, network)).toEqual(place));
});

it("whoever is not shown the configuration is told that the machine's own name holds there alone", () => {
  expect(guessedPlace("127.0.0.1")).toEqual({ host: "127.0.0.1", port: 1883, tls: false, onlyHere: "unnamed" });
  expect(guessedPlace("casement.lan")).toEqual({ host: "casement.lan", port: 1883, tls: false });
});

it("devices get the authority from the page's address in the network", () => {
  const here = { hostname: "127.0.0.1", origin: "http://127.0.0.1:8080" };
  expect(authorityUrl(LAN, { host: "192.0.2.20", port: 8883, tls: true }, here)).toBe("https://192.0.2.20:8443/assets/ca.pem");
  expect(authorityUrl(LAN, { host: "2001:db8::7", port: 8883, tls: true }, here)).toBe(
    "https://[2001:db8::7]:8443/assets/ca.pem",
  );
  expect(authorityUrl({}, { host: "127.0.0.1", port: 8883, tls: true }, here)).toBe("http://127.0.0.1:8080/assets/ca.pem");
});

it.each([
  ["localhost", true],
  ["localhost:1883", true],
  ["127.0.0.1:1883", true],
  ["::1", true],
  ["[::1]:1883", true],
  ["localhost.example", false],
  ["192.0.2.1", false],
  ["::12", false],
])("%s is this machine alone: %s", (host, is) => expect(isLoopback(host)).toBe(is));
