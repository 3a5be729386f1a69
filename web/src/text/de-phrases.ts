// The service's sentences in German, by their English templates.
import type { Template } from "../compute/phrases";

export const phrases: Record<Template, string> = {
  "set to {n} %: {basis}": "auf {n} % gestellt: {basis}",
  "kept at {n} %: {basis}": "bei {n} % gelassen: {basis}",
  "opened to {n} %: {basis}": "auf {n} % geöffnet: {basis}",
  "closed to {n} %: {basis}": "auf {n} % geschlossen: {basis}",
  "shut: {basis}": "geschlossen: {basis}",
  "shut, as {n} % is too little to open for: {basis}": "geschlossen, für {n} % lohnt das Öffnen nicht: {basis}",
  "set to {n} %, as {n2} % is too little to open for: {basis}": "auf {n} % gestellt, für {n2} % lohnt das Öffnen nicht: {basis}",
  "kept at {n} %, as {n2} % is too little to open for: {basis}": "bei {n} % gelassen, für {n2} % lohnt das Öffnen nicht: {basis}",
  "set to {n} %, the most that is allowed now (wished for {n2} %): {basis}":
    "auf {n} % gestellt, mehr ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "kept at {n} %, the most that is allowed now (wished for {n2} %): {basis}":
    "bei {n} % gelassen, mehr ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "opened to {n} %, the most that is allowed now (wished for {n2} %): {basis}":
    "auf {n} % geöffnet, mehr ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "closed to {n} %, the most that is allowed now (wished for {n2} %): {basis}":
    "auf {n} % geschlossen, mehr ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "shut, the most that is allowed now (wished for {n2} %): {basis}":
    "geschlossen, mehr ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "set to {n} %, the least that is allowed now (wished for {n2} %): {basis}":
    "auf {n} % gestellt, weniger ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "kept at {n} %, the least that is allowed now (wished for {n2} %): {basis}":
    "bei {n} % gelassen, weniger ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "opened to {n} %, the least that is allowed now (wished for {n2} %): {basis}":
    "auf {n} % geöffnet, weniger ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "closed to {n} %, the least that is allowed now (wished for {n2} %): {basis}":
    "auf {n} % geschlossen, weniger ist jetzt nicht erlaubt (gewünscht {n2} %): {basis}",
  "wished for {n} %: {basis}; not carried out: {phrase}": "gewünscht {n} %: {basis}; nicht ausgeführt: {phrase}",
  "confidence {n} is below {n2}": "die Sicherheit {n} liegt unter {n2}",
  "nobody asked for a move": "niemand wollte eine Bewegung",
  "it is there already": "es steht schon dort",
  "a person decides until {time}": "bis {time} entscheidet ein Mensch",
  "a person decides until they say otherwise": "ein Mensch entscheidet bis auf Widerruf",
  "a schedule decides until {time}": "bis {time} entscheidet ein Zeitplan",
  "these are its quiet hours": "es sind seine Ruhezeiten",
  "it moved a moment ago; again from {time}": "es hat sich eben erst bewegt; wieder ab {time}",
  "the change is too small to be worth the motor": "die Änderung ist zu klein für den Motor",
  "there is an alarm": "es gibt einen Alarm",
  "there is an alarm ({text})": "es gibt einen Alarm ({text})",
  "it rains": "es regnet",
  "it rains ({n} mm/h)": "es regnet ({n} mm/h)",
  "it blows too hard": "es weht zu stark",
  "it blows too hard ({n} m/s)": "es weht zu stark ({n} m/s)",
  "it freezes outside": "draußen friert es",
  "it freezes outside ({celsius})": "draußen friert es ({celsius})",
  "the window is locked": "das Fenster ist gesperrt",
  "the child lock is on": "die Kindersicherung ist an",
  "its settings limit it now": "seine Einstellungen begrenzen es jetzt",
  "{phrase}: at most {n} % open": "{phrase}: höchstens {n} % offen",
  "{phrase}: no longer": "{phrase}: vorbei",
  "a schedule": "ein Zeitplan",
  "set for {text}": "eingestellt für {text}",
  "airing is over: back to where the window was": "das Lüften ist vorbei: zurück, wo das Fenster stand",
  "night cooling is over: back to where the window was": "die Nachtkühlung ist vorbei: zurück, wo das Fenster stand",
  "a fixed time is over: back to where the window was": "die feste Zeit ist vorbei: zurück, wo das Fenster stand",
  "night cooling: {celsius} inside, {celsius2} outside": "Nachtkühlung: drinnen {celsius}, draußen {celsius2}",
  "airing for {n} min: {n2} ppm CO₂, above {n3}": "{n} min Lüften: {n2} ppm CO₂, über {n3}",
  "airing for {n} min: {n2} % humidity, above {n3}": "{n} min Lüften: {n2} % Luftfeuchte, über {n3}",
  "it needs latitude and longitude to know the sun": "ohne Breite und Länge weiß er nichts von der Sonne",
  "moved by {who}": "bewegt von {who}",
  "back to where it was put by {who}": "zurück, wohin es gestellt wurde von {who}",
  "{n} % until {time} by {who}": "{n} % bis {time}, von {who}",
  "{n} % by a command of a person's": "{n} % durch den Befehl eines Menschen",
  "{n} % by {who}": "{n} %, von {who}",
  "by {who}": "von {who}",
  "its time is over": "seine Zeit ist vorbei",
  "the window stands at {n} % until {time}": "das Fenster steht bei {n} % bis {time}",
  "the window stands at {n} %": "das Fenster steht bei {n} %",
  "the window stands at {n} %; it is told again": "das Fenster steht bei {n} %; der Befehl wird wiederholt",
  "the window stands at an unknown place; it is told again":
    "das Fenster steht an unbekannter Stelle; der Befehl wird wiederholt",
  "told again ({n} of 3): it stopped at {n2} % on its way to {n3} %":
    "Befehl wiederholt ({n} von 3): Es blieb bei {n2} % stehen, auf dem Weg zu {n3} %",
  "told again ({n} of 3): it stopped at an unknown place on its way to {n3} %":
    "Befehl wiederholt ({n} von 3): Es blieb an unbekannter Stelle stehen, auf dem Weg zu {n3} %",
  "the window stands at {n} % and was told four times to go to {n2} %: look at motor, fuse and frame":
    "das Fenster steht bei {n} % und sollte viermal zu {n2} %: bitte Motor, Sicherung und Rahmen prüfen",
  "the window stands at an unknown place and was told four times to go to {n2} %: look at motor, fuse and frame":
    "das Fenster steht an unbekannter Stelle und sollte viermal zu {n2} %: bitte Motor, Sicherung und Rahmen prüfen",
  "it began anew and does not say where it stands": "es wurde neu gestartet und sagt nicht, wo es steht",
  "another command came before it was carried out": "ein anderer Befehl kam, bevor dieser ausgeführt war",
  "it could not be sent in time: the broker was away": "er konnte nicht rechtzeitig gesendet werden: Der Broker war weg",
  "a person moved the window": "ein Mensch hat das Fenster bewegt",
  "the window began anew": "das Fenster wurde neu gestartet",
  "the device is gone": "das Gerät ist weg",
  "{quantity} is {span} old; after {span2} it counts for nothing":
    "{quantity}: der Wert ist {span} alt; nach {span2} zählt er nicht mehr",
  "nothing was heard of it for {span}": "seit {span} war nichts zu hören",
  "its data are older than {span}": "seine Daten sind älter als {span}",
  "its data are older than {span}; they are expected every {span2}":
    "seine Daten sind älter als {span}; erwartet werden sie alle {span2}",
  "{quantity} has been {n} to the last digit for more than {span}: restart the device, and look at the sensor's wiring":
    "{quantity} ist seit mehr als {span} auf die letzte Stelle genau {n}: bitte das Gerät neu starten und die Leitung zum Sensor prüfen",
  "{quantity} went from {n} to {n2} within a minute: a loose wire, or a sensor that was moved":
    "{quantity} ging in einer Minute von {n} auf {n2}: ein loser Draht, oder der Sensor wurde bewegt",
  "its clock is ahead by {span}: let it ask a time server, or device/{text}/time":
    "seine Uhr geht um {span} vor: Es sollte einen Zeitserver fragen, oder device/{text}/time",
  "its clock is behind by {span}: let it ask a time server, or device/{text}/time":
    "seine Uhr geht um {span} nach: Es sollte einen Zeitserver fragen, oder device/{text}/time",
  "its clock stands still: look at its battery and at where it gets its time; it stated {text}":
    "seine Uhr steht: bitte die Batterie prüfen, und woher es die Zeit hat; es nannte {text}",
  "its clock was never set: let it ask a time server, or device/{text}/time; it stated {text2}":
    "seine Uhr wurde nie gestellt: Es sollte einen Zeitserver fragen, oder device/{text}/time; es nannte {text2}",
  "its clock is ahead: look at its time server and its time zone; it stated {text}":
    "seine Uhr geht vor: bitte Zeitserver und Zeitzone prüfen; es nannte {text}",
  "it sends much of what it says more than once: it may not see acknowledgements; look at its reception":
    "es sendet vieles mehrfach: Vielleicht kommen Bestätigungen nicht an; bitte den Empfang prüfen",
  "is {n}; it may be {n2} to {n3}": "ist {n}; erlaubt ist {n2} bis {n3}",
  "has a least ({n}) above its most ({n2})": "das Mindeste ({n}) liegt über dem Höchsten ({n2})",
  "is longer than clip_interval_s ({n})": "ist länger als der Abstand der Aufnahmen ({n} s)",
  "is longer than every_s ({n})": "ist länger als der Abstand zum nächsten Mal ({n} s)",
  "is above the limit ({n}): the cause would be there and gone at once":
    "liegt über der Grenze ({n}): Es wäre zugleich da und vorbei",
  "is below the limit ({n}): the cause would be there and gone at once":
    "liegt unter der Grenze ({n}): Es wäre zugleich da und vorbei",
  "is missing: when the window goes there": "fehlt: wann das Fenster sich bewegt",
  "is missing: where the window goes, 0 to 100": "fehlt: wohin das Fenster geht, 0 bis 100",
  "needs from and until, such as 22:00 and 06:30, or sunset and sunrise":
    "braucht von und bis, etwa 22:00 und 06:30, oder Sonnenuntergang und Sonnenaufgang",
  "needs humidity_above or co2_above: it would never be due":
    "braucht eine Grenze für Luftfeuchte oder CO₂: Sonst wäre es nie fällig",
  "has only one of from and until": "hat nur eines von beiden: von und bis",
  "limits nothing: it has neither min nor max": "begrenzt nichts: weder mindestens noch höchstens ist gesetzt",
  "is no name of a time zone, such as Europe/Berlin": "ist keine Zeitzone wie Europe/Berlin",
  "has more than {n} entries": "hat mehr als {n} Einträge",
  "has more than {n} characters": "hat mehr als {n} Zeichen",
  "has control characters": "hat Steuerzeichen",
  "version {n}": "Version {n}",
  "version {n}: {text}": "Version {n}: {text}",
  "it said that it goes, or its broker said that it is lost": "es hat sich abgemeldet, oder sein Broker sagt, dass es weg ist",
};
