// Where devices reach the broker and its authority, as the service is set up and from where the page is looked at. Pure.
import type { Place } from "./snippets";

interface Listener {
  addr: string;
  tls?: boolean;
  websocket?: boolean;
}

/** What of the service's configuration says where it listens. */
export interface Configuration {
  broker?: { addr?: string; listeners?: Listener[]; embedded?: boolean | string };
  mqtt?: { broker?: string };
  http?: { listeners?: Listener[] };
}

const USUAL = "127.0.0.1:1883",
  USUAL_PORT = 1883,
  AUTHORITY = "/assets/ca.pem";

export const isLoopback = (host: string): boolean => /^(localhost$|localhost:|127\.|\[?::1(\]|$))/.test(host);

const isEverywhere = (host: string) => /^(0\.0\.0\.0|\[?::\]?)$/.test(host);

/** The host and the port of `HOST:PORT`; an address of IPv6 without its brackets. */
function parts(addr: string): { host: string; port: number } {
  const at = /:\d+$/.exec(addr)?.index ?? addr.length;
  return { host: addr.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(addr.slice(at + 1)) || USUAL_PORT };
}

/** The same of a URL. */
function ofUrl(url: string): Place | null {
  const found = /^(\w+):\/\/(.+?)\/?$/.exec(url);
  return found ? { ...parts(found[2]!), tls: /^(mqtts|ssl|tls)$/i.test(found[1]!) } : null;
}

/** The broker that runs elsewhere; null where it is the service's own. */
function external({ broker, mqtt }: Configuration): Place | null {
  const named = mqtt?.broker ? ofUrl(mqtt.broker) : null;
  if (!named || broker?.embedded === true || broker?.embedded === "true") return null;
  if (broker?.embedded === false || broker?.embedded === "false") return named;
  const own = [broker?.addr ?? USUAL, ...(broker?.listeners ?? []).map(({ addr }) => addr), USUAL].map(addr => parts(addr).port);
  return !named.tls && isLoopback(named.host) && own.includes(named.port) ? null : named;
}

/**
 * Where devices reach the broker. `shownAt` is the host that the page has been opened by; `network` is where devices on the network
 * reach the broker, as the service says it to admins: a page on the service's own machine has no other way to know it.
 */
export function placeOf(configuration: Configuration, shownAt: string, network?: string | null): Place {
  const { broker } = configuration,
    isHere = isLoopback(shownAt),
    told = network && isHere ? ofUrl(network) : null,
    other = external(configuration);
  if (told) return told;
  if (other && !isLoopback(other.host)) return other;
  if (other) return { ...other, host: shownAt, ...(isHere ? { onlyHere: "beside" as const } : {}) };
  const listeners = broker?.listeners?.length ? broker.listeners : [{ addr: broker?.addr ?? USUAL } as Listener];
  const usable = listeners.filter(({ websocket }) => !websocket);
  const ofNetwork = usable
    .filter(({ addr }) => !isLoopback(addr))
    .sort((one, other) => Number(!!other.tls) - Number(!!one.tls))[0];
  if (!ofNetwork) {
    const own = (isHere ? usable.find(({ tls }) => !tls) : undefined) ?? usable[0];
    return { host: shownAt, port: parts(own?.addr ?? USUAL).port, tls: !!own?.tls, onlyHere: "closed" };
  }
  if (!isHere) return { host: shownAt, port: parts(ofNetwork.addr).port, tls: !!ofNetwork.tls };
  const { host, port } = parts(ofNetwork.addr);
  // It listens at every address of the machine, and which those are is not known here.
  if (isEverywhere(host)) return { host: shownAt, port, tls: !!ofNetwork.tls, onlyHere: "unnamed" };
  return { host, port, tls: !!ofNetwork.tls };
}

/** Where the broker usually is. */
export const usualPlace = (host: string): Place => ({ host, port: USUAL_PORT, tls: false });

/** The same for whoever is not shown the configuration. */
export const guessedPlace = (host: string): Place =>
  isLoopback(host) ? { ...usualPlace(host), onlyHere: "unnamed" } : usualPlace(host);

/** Where a device gets the authority: from the page, at its address in the network. */
export function authorityUrl({ http }: Configuration, { host }: Place, page: { hostname: string; origin: string }): string {
  if (host === page.hostname) return `${page.origin}${AUTHORITY}`;
  const reached = http?.listeners?.find(({ addr }) => !isLoopback(addr));
  const name = host.includes(":") ? `[${host}]` : host;
  return reached ? `${reached.tls ? "https" : "http"}://${name}:${parts(reached.addr).port}${AUTHORITY}` : AUTHORITY;
}
