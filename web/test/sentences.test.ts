import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { basisOf, dampness, parsed, TEMPLATES, warmth } from "../src/compute/phrases";
import { phrases } from "../src/text/de-phrases";

// The page's language and unit are chosen by what a browser has.
vi.stubGlobal("navigator", { languages: ["en-GB"], language: "en-GB", onLine: true });
vi.stubGlobal("document", { hidden: false, documentElement: { lang: "en" }, addEventListener: () => undefined });
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });

const { speak } = await import("../src/text");
const { prefer } = await import("../src/state/preferences");
const { because, eventWords, guardWords, say, whyMoved } = await import("../src/view/sentences");

afterEach(async () => {
  prefer("unit", "C");
  await speak("en");
});
beforeAll(() => prefer("unit", "C"));

/** What becomes of a sentence: in English with °C, in English with °F, in German. */
async function everywhere(text: string): Promise<{ en: string; fahrenheit: string; de: string }> {
  prefer("unit", "C");
  const en = say(text);
  prefer("unit", "F");
  const fahrenheit = say(text);
  prefer("unit", "C");
  await speak("de");
  return { en, fahrenheit, de: say(text) };
}

describe("reasons of moves", () => {
  it.each([
    [
      "opened to 65 %: warm (26.4 °C, +38), quiet (+6)",
      "opened to 65 %: warm (79.5 °F, +38), quiet (+6)",
      "auf 65 % geöffnet: warm (26,4 °C, +38), leise (+6)",
    ],
    [
      "opened to 30 %, the most that is allowed now (wished for 80 %): damp air (68 %, +22), mild (21.0 °C, −4), ordinary sound (+1)",
      "opened to 30 %, the most that is allowed now (wished for 80 %): damp air (68 %, +22), mild (69.8 °F, −4), ordinary sound (+1)",
      "auf 30 % geöffnet, mehr ist jetzt nicht erlaubt (gewünscht 80 %): feuchte Luft (68 %, +22), mild (21,0 °C, −4), gewöhnliche Geräusche (+1)",
    ],
    [
      "shut: loud (−41), cold (15.9 °C, −30), dry air (25 %, −2)",
      "shut: loud (−41), cold (60.6 °F, −30), dry air (25 %, −2)",
      "geschlossen: laut (−41), kalt (15,9 °C, −30), trockene Luft (25 %, −2)",
    ],
    [
      "closed to 12.5 %: nothing stands out (22.0 °C, 45 %), no sound heard; this lies far from what the model was trained on",
      "closed to 12.5 %: nothing stands out (71.6 °F, 45 %), no sound heard; this lies far from what the model was trained on",
      "auf 12,5 % geschlossen: nichts sticht heraus (22,0 °C, 45 %), kein Ton gehört; das liegt weit außerhalb dessen, woraus das Modell gelernt hat",
    ],
    [
      "wished for 80 %: hot (27.0 °C, +60); not carried out: it rains (2.1 mm/h)",
      "wished for 80 %: hot (80.6 °F, +60); not carried out: it rains (2.1 mm/h)",
      "gewünscht 80 %: heiß (27,0 °C, +60); nicht ausgeführt: es regnet (2,1 mm/h)",
    ],
    [
      "wished for 70 %: predicted; not carried out: confidence 0.15 is below 0.2",
      "wished for 70 %: predicted; not carried out: confidence 0.15 is below 0.2",
      "gewünscht 70 %: vorhergesagt; nicht ausgeführt: die Sicherheit 0,15 liegt unter 0,2",
    ],
    ["moved by Karl on the page", "moved by Karl on the page", "bewegt von Karl auf der Seite"],
    ["moved by a person at the window", "moved by a person at the window", "bewegt von einem Menschen am Fenster"],
    [
      "it freezes outside (-3.0 °C): at most 10 % open",
      "it freezes outside (26.6 °F): at most 10 % open",
      "draußen friert es (−3,0 °C): höchstens 10 % offen",
    ],
    ["it rains: no longer", "it rains: no longer", "es regnet: vorbei"],
    [
      "night cooling: 25.1 °C inside, 18.0 °C outside",
      "night cooling: 77.2 °F inside, 64.4 °F outside",
      "Nachtkühlung: drinnen 25,1 °C, draußen 18,0 °C",
    ],
    [
      "airing for 5 min: 1450 ppm CO₂, above 1200",
      "airing for 5 min: 1,450 ppm CO₂, above 1,200",
      "5 min Lüften: 1.450 ppm CO₂, über 1.200",
    ],
    [
      "humidity is 10 min old; after 9 min it counts for nothing",
      "Humidity is 10 min old; after 9 min it counts for nothing",
      "Luftfeuchte: der Wert ist 10 min alt; nach 9 min zählt er nicht mehr",
    ],
    ["nothing was heard of it for 2 days", "nothing was heard of it for 2 days", "seit 2 d war nichts zu hören"],
  ])("%s", async (text, fahrenheit, de) => {
    const said = await everywhere(text);
    expect([said.fahrenheit, said.de]).toEqual([fahrenheit, de]);
    if (!text.includes("°C") && fahrenheit === text) expect(said.en).toBe(text);
  });

  it("with a time say it by the viewer's clock", async () => {
    const at = new Date();
    at.setHours(23, 5, 0, 0);
    const text = `a person decides until ${at.toISOString()}`;
    expect(say(text)).toBe("a person decides until 23:05");
    await speak("de");
    expect(say(text)).toBe("bis 23:05 entscheidet ein Mensch");
  });

  it("of another model stay as they are", async () => {
    for (const text of ["warm, and the air is damp", "opened to 65 %: because I say so (26 °C)", "", "<b>warm</b>"]) {
      expect(say(text)).toBe(text);
      await speak("de");
      expect(say(text)).toBe(text);
      await speak("en");
    }
  });

  it("of another model are told by its numbers, where it has some", async () => {
    const command = {
      reason: "warm, and the air is damp",
      temperature: 26.44,
      humidity: 61,
      contributions: { average: 31, temperature: 12.4, humidity: -20.2, sound: 0.2 },
      verdict: "moved",
      origin: "model",
    };
    expect(whyMoved(command)).toBe("damp air (61 %, −20), warm (26.4 °C, +12)");
    await speak("de");
    expect(whyMoved(command)).toBe("feuchte Luft (61 %, −20), warm (26,4 °C, +12)");
    expect(whyMoved({ ...command, contributions: null })).toBe("warm, and the air is damp");
    expect(whyMoved({ ...command, contributions: null, reason: "", origin: "interlock" })).toBe("eine Sicherheitsregel");
  });
});

it("what lies far from the training says how sure the model itself was", async () => {
  const far = { confidence: 0.6234, model_confidence: 0.8234, largest_z: 6.21 },
    near = { confidence: 0.8234, model_confidence: 0.8234, largest_z: 1.25 };
  expect([guardWords(far), guardWords(near)]).toEqual([
    "The model itself was 82 % sure; the input lies 6.2 standard deviations from its training",
    "The input lies 1.3 standard deviations from the model's training",
  ]);
  for (const unknown of [{}, { ...far, largest_z: null }, { ...far, model_confidence: null }, { ...far, confidence: null }]) {
    expect(guardWords(unknown)).toBe("");
  }
  await speak("de");
  expect([guardWords(far), guardWords(near)]).toEqual([
    "Das Modell selbst war 82 % sicher; die Eingabe liegt 6,2 Standardabweichungen entfernt von dem, woraus es gelernt hat",
    "Die Eingabe liegt 1,3 Standardabweichungen entfernt von dem, woraus das Modell gelernt hat",
  ]);
});

it("a reason for a glance names what weighed, without numbers", async () => {
  const text = "wished for 80 %: hot (27.0 °C, +60), loud (+2); not carried out: it rains";
  expect([because(text), because("moved by Karl by MQTT"), because("for fun: (5)")]).toEqual([
    "Because: hot, loud",
    "moved by Karl by MQTT",
    "for fun: (5)",
  ]);
  await speak("de");
  expect(because(text)).toBe("Weil: heiß, laut");
});

it("a problem that is over is told as what it was", async () => {
  await speak("de");
  expect(
    eventWords(
      "recovered",
      "duplicates: it sends much of what it says more than once: it may not see acknowledgements; look at its reception",
    ),
  ).toBe("Nachrichten doppelt: es sendet vieles mehrfach: Vielleicht kommen Bestätigungen nicht an; bitte den Empfang prüfen");
});

describe("sentences that the API says of settings", () => {
  it.each([
    ["is 101; it may be 0 to 100", "ist 101; erlaubt ist 0 bis 100"],
    ["is longer than every_s (60)", "ist länger als der Abstand zum nächsten Mal (60 s)"],
    ["is no name of a time zone, such as Europe/Berlin", "ist keine Zeitzone wie Europe/Berlin"],
  ])("%s", async (text, german) => {
    expect(say(text)).toBe(text);
    await speak("de");
    expect(say(text)).toBe(german);
  });
});

describe("templates", () => {
  const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort();
  it("have the same values in German", () => {
    for (const template of TEMPLATES) expect(holes(phrases[template]), template).toEqual(holes(template));
  });
  it("are each found again", () => {
    const values: Record<string, string> = {
      n: "7",
      celsius: "21.5 °C",
      time: "2026-05-01T12:00:00Z",
      span: "10 min",
      phrase: "it rains",
      basis: "warm",
      who: "Karl by MQTT",
      quantity: "humidity",
      text: "sunset",
    };
    for (const template of TEMPLATES) {
      const sentence = template.replace(/\{([a-z]+)\d*\}/g, (_, type: string) => values[type]!);
      expect(parsed(sentence)?.template, sentence).toBe(template);
    }
  });
});

it("a basis is taken apart at its commas, not at those within brackets", () =>
  expect(basisOf("warm (26.4 °C, +38), quiet (+6), no sound heard")).toEqual({
    clauses: [
      { words: "warm", inside: ["26.4 °C", "+38"] },
      { words: "quiet", inside: ["+6"] },
      { words: "no sound heard", inside: [] },
    ],
    doubt: null,
  }));

it("air has the service's words at the service's bounds", () =>
  expect([15.9, 16, 20, 24, 27].map(warmth).concat([24.9, 25, 60, 75].map(dampness))).toEqual([
    "cold",
    "cool",
    "mild",
    "warm",
    "hot",
    "dry air",
    "comfortable humidity",
    "damp air",
    "very damp air",
  ]));
