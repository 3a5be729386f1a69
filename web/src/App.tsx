// The frame around every screen: where one is, how the line is, who looks.
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { Home } from "./home/Home";
import { route, type Screen } from "./router";
import { deviceOf, loaded } from "./state/devices";
import { isAdmin, isGuest, session, signIn } from "./state/session";
import { hindrance } from "./state/start";
import { t } from "./text";
import { Confirm } from "./view/Confirm";
import { Kiosk } from "./view/Kiosk";
import { Later, type Lazy } from "./view/Later";
import { Line } from "./view/Line";
import { Mark } from "./view/Mark";
import { View } from "./view/View";

const LAZY: Partial<Record<Screen, Lazy>> = {
  room: () => import("./room/Room"),
  devices: () => import("./devices/Devices"),
  model: () => import("./model/ModelScreen"),
  schedules: () => import("./schedules/Schedules"),
  system: () => import("./system/System"),
  accounts: () => import("./accounts/Accounts"),
};

function Current(): VNode {
  const { screen } = route.value;
  if (!loaded.value)
    return (
      <p class="quiet" role="status">
        {hindrance.value ? t().line.silent : t().loading}
      </p>
    );
  if (screen === "rooms") return <Home />;
  const load = LAZY[screen];
  return load ? <Later key={screen} load={load} /> : <p class="notice">{t().notFound}</p>;
}

const ITEMS = ["rooms", "devices", "schedules", "model", "system", "accounts"] as const;

function Navigation(): VNode {
  const here = route.value.screen === "room" ? "rooms" : route.value.screen;
  const items = ITEMS.filter(item => item !== "accounts" || isAdmin.value);
  return (
    <nav aria-label={t().nav.label} class="nav">
      {items.map(item => (
        <a key={item} href={item === "rooms" ? "#/" : `#/${item}`} aria-current={here === item ? "page" : undefined}>
          {t().nav[item]}
        </a>
      ))}
    </nav>
  );
}

function Person(): VNode | null {
  const who = session.value;
  if (!who) return null;
  if (who.signed_in && who.name) {
    return (
      <form method="post" action="/sign-out" class="person">
        <span class="name">{who.name}</span>
        <button class="plain">{t().session.signOut}</button>
      </form>
    );
  }
  return (
    <button class="plain" onClick={signIn}>
      {t().session.signIn}
    </button>
  );
}

/** What a tab of the browser is called. */
function useTitle(): void {
  const { screen, device_id } = route.value;
  const name =
    screen === "room"
      ? deviceOf(device_id ?? "")?.value.name
      : screen === "rooms" || screen === "unknown"
        ? undefined
        : t().nav[screen];
  useEffect(() => {
    document.title = name ? `${name} · Casement` : "Casement";
  }, [name]);
}

export function App(): VNode {
  useTitle();
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={event => (event.preventDefault(), document.querySelector<HTMLElement>("main")?.focus())}
      >
        {t().skip}
      </a>
      <header class="top">
        <a class="brand" href="#/" aria-label="Casement">
          <Mark />
          <span>Casement</span>
        </a>
        <Navigation />
        <div class="tools">
          <View />
          <Person />
        </div>
      </header>
      <Line />
      <main id="content" tabIndex={-1}>
        {isGuest.value ? <p class="quiet">{t().session.guest}</p> : null}
        <Current />
      </main>
      <Confirm />
      <Kiosk />
    </>
  );
}
