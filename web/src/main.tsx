// The page's beginning: language, colours, who looks, every device, then what happens to them.
import { render } from "preact";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/forms.css";
import "./style/window.css";
import "./style/home.css";
import { App } from "./App";
import { loadDevices } from "./state/devices";
import { start } from "./state/live";
import { applyTheme } from "./state/preferences";
import { watchAddress } from "./router";
import { languageInUse, speak } from "./text";
import { startUp } from "./state/start";
import { watchWall } from "./view/Kiosk";

applyTheme();
watchWall();
watchAddress();
const spoken = speak(languageInUse()).catch(() => undefined);
// The stream first: what happens while the rest is asked for is not missed.
start();
void startUp(loadDevices);
void spoken.then(() => render(<App />, document.querySelector("#page")!));
