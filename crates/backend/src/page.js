const rooms = document.querySelector("#rooms"), state = document.querySelector("#state");
const number = (latest, unit, digits = 1) => latest ? `${latest.value.toFixed(digits)} ${unit}` : "–";
const element = (tag, text, attributes = {}) => Object.assign(document.createElement(tag), { textContent: text ?? "" }, attributes);
const newer = (one, other) => one && Date.parse(one.timestamp) > Date.parse(other.timestamp);
// Names come from strangers: text only, never markup.
function card(device, quantities) {
  const article = element("article", "", { className: device.is_active ? "" : "silent" });
  const list = element("dl");
  const rows = [
    ...quantities.filter(({ quantity, climate }) => device[quantity] || climate)
      .map(({ quantity, name, unit, decimals }) => [name, number(device[quantity], unit, decimals)]),
    ["Sound", device.clip?.level_dbfs != null ? `${device.clip.level_dbfs.toFixed(0)} dBFS` : "–"],
    ["Window", number(device.window, "% open", 0)],
  ];
  const suspect = device.suspect, good = suspect && device[suspect.quantity];
  if (suspect && !newer(good, suspect)) {
    const known = quantities.find(({ quantity }) => quantity === suspect.quantity);
    rows.push([`Suspect ${known.name.toLowerCase()}`, number(suspect, known.unit, known.decimals), suspect.reason]);
  }
  for (const [name, value, why] of rows) list.append(element("dt", name), element("dd", value, { title: why ?? "" }));
  article.append(element("h2", device.name), list);
  const bar = element("div", "", { className: "window", title: "filled: where the window is; line: where it was told to go" });
  const at = element("i"); at.style.width = `${device.window?.value ?? 0}%`; bar.append(at);
  if (device.command) { const to = element("b"); to.style.left = `${device.command.position}%`; bar.append(to); }
  const held = device.held && !newer(device.command, device.held);
  const told = held
    ? `stays: ${device.held.position.toFixed(0)} % was predicted with ${(device.held.confidence * 100).toFixed(0)} % confidence`
    : device.command
    ? `told ${device.command.position.toFixed(0)} % · confidence ${(device.command.confidence * 100).toFixed(0)} %`
    : device.is_active ? "nothing decided yet" : "silent";
  const clock = { unset: "its clock was never set", ahead: "its clock is ahead", standing: "its clock stands still" }[device.clock?.state];
  article.append(bar, element("small", clock ? `${told} · ${clock}` : told));
  return article;
}
// Without an account, or with a session that has ended, only the way in is left.
async function json(url) {
  const answer = await fetch(url);
  if (answer.status === 401) location.assign("/sign-in");
  return answer.json();
}
async function greet() {
  const session = await json("/api/v1/session"), person = document.querySelector("#person");
  person.hidden = !session.signed_in;
  person.querySelector("span").textContent = session.name ?? "";
}
let quantities;
async function refresh() {
  try {
    quantities ??= await json("/api/quantities");
    const [devices, status] = await Promise.all(["/api/devices", "/api/status"].map(json));
    rooms.replaceChildren(...devices.map(device => card(device, quantities)));
    const waiting = status.journal_records > 1000 ? ` · ${status.journal_records} records wait for ClickHouse` : "";
    state.className = status.store_up && status.broker_up ? "" : "bad";
    state.textContent = (status.broker_up ? "" : "no broker · ") + (status.store_up ? "" : "ClickHouse is away: nothing is lost, windows keep moving · ")
      + `${status.devices_active} of ${status.devices} devices active · ${status.rows_stored} rows stored${waiting}`
      + (status.refused ? ` · ${status.refused} messages refused` : "");
    if (!devices.length) rooms.replaceChildren(element("p", "No device was heard of yet."));
  } catch {
    state.className = "bad"; state.textContent = "Casement does not answer";
  }
}
greet().catch(() => {});
await refresh();
setInterval(refresh, 1000);
