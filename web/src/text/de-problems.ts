// Why the API refuses something, and what its audit log tells, in German. Keys are the service's own words; its values are {1}, {2} and so on.

export const problems: Record<string, string> = {
  // What is asked in a form that cannot be used (crates/monitoring/src/extract.rs, words.rs).
  "has a form that cannot be used": "hat eine Form, die sich nicht brauchen lässt",
  "is not UTF-8 text": "ist kein Text in UTF-8",
  "is not {}": "ist nicht {1}",
  "the body has to be JSON: Content-Type: application/json": "gesendet werden muss JSON: Content-Type: application/json",
  "is {}; {} is expected": "ist {1}; erwartet wird {2}",
  "has {found} entries; {} is expected": "hat {1} Einträge; erwartet wird {2}",
  "{name} is not known here; {}": "{1} ist hier unbekannt; {2}",
  "is '{name}'; {}": "ist '{1}'; {2}",
  "has no {}, which is needed": "hat kein {1}, das gebraucht wird",
  "has {} more than once": "hat {1} mehr als einmal",
  "has none of the forms that are known here": "hat keine der Formen, die hier bekannt sind",
  "is no whole number, or a negative one": "ist keine ganze Zahl oder eine negative",
  "is a whole number beyond what is possible here": "ist eine ganze Zahl, die es hier nicht geben kann",
  "is no number": "ist keine Zahl",
  "is neither true nor false": "ist weder true noch false",
  "is nested too deeply": "ist zu tief geschachtelt",
  "is no JSON: look at {place}": "ist kein JSON: siehe {1}",
  "line {line}, column {column}": "Zeile {1}, Spalte {2}",
  "the text {text}": "der Text {1}",
  "the number {}": "die Zahl {1}",
  "a whole number, 0 or larger": "eine ganze Zahl ab 0",
  "a whole number": "eine ganze Zahl",
  "a whole number above 0": "eine ganze Zahl über 0",
  "a number": "eine Zahl",
  "a text": "ein Text",
  "an object": "ein Objekt",
  "a list": "eine Liste",
  "one of its words": "eines seiner Wörter",
  "nothing is possible here": "hier ist nichts möglich",
  "there is {names}": "es gibt {1}",
  // What every request may be told (crates/monitoring/src/problem/kinds.rs).
  "The request cannot be used": "Die Anfrage lässt sich nicht brauchen",
  "Each entry of `errors` names a value of the path, the query or the body, and says what would do. Change it and ask again.":
    "Jeder Eintrag von `errors` nennt einen Wert und sagt, was ginge. Bitte ändern und noch einmal fragen.",
  "Sign in first": "Bitte zuerst anmelden",
  "Send a token: `Authorization: Bearer TOKEN`. An admin makes one with `casement accounts token NAME` or by POST /api/v1/accounts/NAME/tokens. In a browser, sign in at /sign-in.":
    "Bitte ein Token senden: `Authorization: Bearer TOKEN`. Ein admin macht es mit `casement accounts token NAME` oder mit POST /api/v1/accounts/NAME/tokens. Im Browser bitte unter /sign-in anmelden.",
  "This account may not do that": "Dieses Konto darf das nicht",
  "A reader reads, an operator changes devices and windows, an admin does everything. A page of another site may change nothing. Use an account with the role that `detail` names.":
    "reader lesen, operator ändern Geräte und Fenster, admin alles. Eine fremde Seite darf nichts ändern. Bitte ein Konto mit der Rolle nehmen, die `detail` nennt.",
  "Check the path and the id in it. GET /api/v1/devices lists the devices that are known, GET /api/v1/openapi.json every path.":
    "Bitte den Pfad und die Kennung darin prüfen. GET /api/v1/devices nennt die bekannten Geräte, GET /api/v1/openapi.json jeden Pfad.",
  "The path does not know this method": "Der Pfad kennt diese Methode nicht",
  "The header `Allow` lists the methods that it knows.": "Der Kopf `Allow` nennt die Methoden, die er kennt.",
  "The request took too long": "Die Anfrage dauerte zu lange",
  "Send the whole body at once; ten seconds are allowed.": "Bitte alles auf einmal senden; zehn Sekunden sind erlaubt.",
  "The present state does not allow that": "So, wie es jetzt steht, geht das nicht",
  "`detail` says what is in the way. Ask for the present state, then decide anew.":
    "`detail` sagt, was im Weg steht. Bitte ansehen, wie es jetzt steht, und neu entscheiden.",
  "It was changed meanwhile": "Inzwischen wurde es geändert",
  "What `If-Match` names is no longer the present revision. Ask for the resource again, look at what is new, and send the change with its new `ETag`.":
    "Was `If-Match` nennt, ist nicht mehr der heutige Stand. Bitte noch einmal lesen, das Neue ansehen und die Änderung mit dem neuen `ETag` senden.",
  "The request is too large": "Die Anfrage ist zu groß",
  "Send less at once; `detail` says how much is allowed.":
    "Bitte weniger auf einmal senden; `detail` sagt, wie viel erlaubt ist.",
  "The body has another type": "Gesendet wurde etwas anderer Art",
  "Send JSON, and say so: `Content-Type: application/json`. PATCH takes `application/merge-patch+json` as well.":
    "Bitte JSON senden und es sagen: `Content-Type: application/json`. PATCH nimmt auch `application/merge-patch+json`.",
  "There is no such part": "Diesen Teil gibt es nicht",
  "The header `Content-Range` says how many bytes there are. Ask for bytes below that, or leave out `Range`.":
    "Der Kopf `Content-Range` sagt, wie viele Bytes es gibt. Bitte um Bytes darunter fragen oder `Range` weglassen.",
  "The head of the request is too large": "Der Kopf der Anfrage ist zu groß",
  "Send fewer or shorter headers; a head has 32 KiB at most.": "Bitte weniger oder kürzere Köpfe senden; höchstens 32 KiB.",
  "Too many requests": "Zu viele Anfragen",
  "Wait for the seconds of `Retry-After`, then ask again. Limits are those of `http.limits` in the configuration; wrong passwords have pauses of their own.":
    "Bitte so viele Sekunden warten, wie `Retry-After` sagt, und noch einmal fragen. Die Grenzen sind `http.limits` der Konfiguration; falsche Passwörter haben eigene Pausen.",
  "An error of the service": "Ein Fehler des Dienstes",
  "The service's log says why. The request may be sent again.":
    "Das Protokoll des Dienstes sagt, warum. Die Anfrage darf noch einmal gesendet werden.",
  "Something that is needed is away": "Etwas, das gebraucht wird, ist weg",
  "GET /api/v1/health names the part that is down and says what to do. Ask again after the seconds of `Retry-After`, where it is stated.":
    "GET /api/v1/health nennt den Teil, der fehlt, und was zu tun ist. Bitte noch einmal fragen nach so vielen Sekunden, wie `Retry-After` sagt.",
  "an internal error; the log has it": "ein innerer Fehler; das Protokoll hat ihn",
  "the request is cut, or has more than {} bytes": "die Anfrage ist abgeschnitten oder hat mehr als {1} Bytes",
  "the request took more than {:?}": "die Anfrage dauerte länger als {1}",
  "requests for other hosts or from other sites' pages are refused":
    "Anfragen an andere Namen oder von fremden Seiten werden abgelehnt",
  // crates/api/src: devices, groups, settings.
  "there is nothing at {path}": "unter {1} gibt es nichts",
  'is no object: send {"name": "…"}': "ist kein Objekt: bitte {1} senden",
  "is unknown; known are {}": "ist unbekannt; bekannt sind {1}",
  "is no text": "ist kein Text",
  "is no ETag: send one as it came, with its quotation marks":
    "ist kein ETag: bitte so senden, wie er kam, mit Anführungszeichen",
  'its ETag is "{now}" now': 'der ETag ist jetzt "{1}"',
  "the registry cannot be written; the log says why":
    "das Verzeichnis der Geräte lässt sich nicht schreiben; das Protokoll sagt, warum",
  "the accounts cannot be written; the log says why": "die Konten lassen sich nicht schreiben; das Protokoll sagt, warum",
  "has at most 128 characters and no control characters": "hat höchstens 128 Zeichen und keine Steuerzeichen",
  "has more than 128 characters": "hat mehr als 128 Zeichen",
  "no device '{device}' was heard of": "von einem Gerät '{1}' war nie zu hören",
  "no device '{device_id}' was heard of or set up": "ein Gerät '{1}' ist weder bekannt noch eingerichtet",
  "'{device_id}' is not known yet: ClickHouse has not said which devices were known before the start":
    "'{1}' ist noch nicht bekannt: ClickHouse hat noch nicht gesagt, welche Geräte vor dem Start bekannt waren",
  "no device is at that location, and nothing is set for it": "an diesem Ort ist kein Gerät, und nichts ist für ihn eingestellt",
  "is {seconds}; it may be 1 to {longest}": "ist {1}; erlaubt ist 1 bis {2}",
  "says how long it lasts more than once: give one of for_s, until and forever":
    "sagt mehrmals, wie lange es gilt: bitte eines von for_s, until und forever",
  "there are {0} entries already, the most that are kept": "es gibt schon {1} Einträge, mehr werden nicht aufgehoben",
  "it was changed meanwhile (it has revision {now})": "inzwischen wurde es geändert (der Stand ist {1})",
  // The past.
  "ClickHouse is asked as much as it may be at a time": "ClickHouse wird schon so viel gefragt, wie auf einmal erlaubt ist",
  "ClickHouse takes too long; a shorter period may be answered":
    "ClickHouse braucht zu lange; für einen kürzeren Zeitraum geht es vielleicht",
  "the answer would be too large; ask for a shorter period, or for another format":
    "die Antwort würde zu groß; bitte einen kürzeren Zeitraum oder ein anderes Format wählen",
  "the question takes ClickHouse too long; a shorter period may be answered":
    "die Frage dauert ClickHouse zu lange; für einen kürzeren Zeitraum geht es vielleicht",
  "ClickHouse does not answer": "ClickHouse antwortet nicht",
  "ClickHouse has not its tables yet, or they are brought up to this version":
    "ClickHouse hat seine Tabellen noch nicht, oder sie werden auf diese Version gebracht",
  "ClickHouse refuses the question; the log says why": "ClickHouse lehnt die Frage ab; das Protokoll sagt, warum",
  "is longer than {MAX_WORD} bytes": "ist länger als {1} Bytes",
  "has control characters, which no stored text has": "hat Steuerzeichen, die kein gespeicherter Text hat",
  "is no place in a list: take it from the header `Link`": "ist keine Stelle einer Liste: bitte aus dem Kopf `Link` nehmen",
  "is not within 1 to {}": "liegt nicht zwischen 1 und {1}",
  "is not within 1 to 365": "liegt nicht zwischen 1 und 365",
  "is not within {least} to {most}": "liegt nicht zwischen {1} und {2}",
  "is no time: write 2025-10-24T12:00:00Z (a + is %2B in a URL), -24h, -7d or now":
    "ist keine Zeit: bitte 2025-10-24T12:00:00Z (ein + ist %2B in einer URL), -24h, -7d oder now schreiben",
  "lies after `to`": "liegt nach `to`",
  "is not within the years 1970 to 2099": "liegt nicht in den Jahren 1970 bis 2099",
  "is none of {}": "ist keines von {1}",
  "is none of {}, mfcc_0, mfcc_1, …": "ist keines von {1}, mfcc_0, mfcc_1, …",
  "are more than {MOST_SERIES}": "sind mehr als {1}",
  "has {series} twice": "hat {1} zweimal",
  "'{shown}' is no event; events are {}": "'{1}' ist kein Ereignis; es gibt {2}",
  "{MOST_OF_ONE} listeners of one account or address are the most": "von einem Konto oder einer Adresse hören höchstens {1} zu",
  "{MOST} listeners are the most": "höchstens {1} hören zu",
  "no recordings are kept: audio.store_raw is off": "Aufnahmen werden nicht aufgehoben: audio.store_raw ist aus",
  "of this device and time no recording was kept": "von diesem Gerät und dieser Zeit gibt es keine Aufnahme",
  "the clip has no recording of a known form": "zu diesem Ton gibt es keine Aufnahme in bekannter Form",
  "the recording cannot be read; the log says why": "die Aufnahme ist nicht zu lesen; das Protokoll sagt, warum",
  "the recording is kept no more (audio.storage_max_age_days, audio.storage_max_bytes)":
    "die Aufnahme wird nicht mehr aufgehoben (audio.storage_max_age_days, audio.storage_max_bytes)",
  "the recording has {length} bytes": "die Aufnahme hat {1} Bytes",
  // Messages, checks, certificates.
  "has at most 65535 bytes": "hat höchstens 65535 Bytes",
  "stands alone, or payload_base64 does": "steht allein, oder payload_base64 allein",
  "no message has that kind; see GET /api/v1/schemas": "keine Nachricht ist von dieser Art; siehe GET /api/v1/schemas",
  "this Casement has no authority of its own: no listener speaks TLS, or tls.certificate_file names another certificate":
    "dieses Casement hat keine eigene Zertifizierungsstelle: kein Anschluss spricht TLS, oder tls.certificate_file nennt ein anderes Zertifikat",
  "a check ended with a fault of its own; the log says which":
    "eine Prüfung endete mit einem eigenen Fehler; das Protokoll sagt, welche",
  "the checks took more than two minutes; `casement doctor` shows which one hangs":
    "die Prüfungen dauerten mehr als zwei Minuten; `casement doctor` zeigt, welche hängt",
  "this process has no checks": "dieser Prozess hat keine Prüfungen",
  // Who asks, and what they may (crates/people/src).
  "sign in first: /sign-in in a browser, Authorization: Bearer TOKEN in a program (casement accounts add NAME --role reader)":
    "bitte zuerst anmelden: /sign-in im Browser, Authorization: Bearer TOKEN im Programm (casement accounts add NAME --role reader)",
  "a page of another site asked for this; nothing was done": "eine fremde Seite wollte das; nichts ist geschehen",
  "more requests in a short time than http.limits allow": "mehr Anfragen in kurzer Zeit, als http.limits erlaubt",
  "{} {}: {why}": "{1} {2}: {3}",
  "{} {}: {text}": "{1} {2}: {3}",
  "this link shows the page and changes nothing; sign in for more":
    "dieser Link zeigt die Seite und ändert nichts; für mehr bitte anmelden",
  "this is for the role admin": "das ist für die Rolle admin",
  "recordings are people's speech; they are for operator and admin":
    "Aufnahmen sind, was Menschen sagen; sie sind für operator und admin",
  "the role reader changes nothing; this is for operator and admin":
    "die Rolle reader ändert nichts; das ist für operator und admin",
  "the account's role has nothing here; reader, operator and admin have":
    "die Rolle des Kontos hat hier nichts; reader, operator und admin haben etwas",
  "Too many wrong names or passwords from here: wait a minute, then try again.":
    "Zu viele falsche Namen oder Passwörter von hier: bitte eine Minute warten und noch einmal versuchen.",
  "Too many passwords wait to be compared: try again.":
    "Zu viele Passwörter warten auf den Vergleich: bitte noch einmal versuchen.",
  "This account is closed.": "Dieses Konto ist geschlossen.",
  "Name, password or token is wrong.": "Name, Passwort oder Token ist falsch.",
  "there is no such link": "diesen Link gibt es nicht",
  // Accounts (crates/accounts/src).
  "there is an account '{0}' already; its password is made anew by: casement {1} rotate {0}":
    "ein Konto '{1}' gibt es schon; ein neues Passwort macht: casement {2} rotate {3}",
  "there is no account '{0}'{1}": "ein Konto '{1}' gibt es nicht{2}",
  "there is no account '{name}'": "ein Konto '{1}' gibt es nicht",
  "; did you mean '{known}'?": "; ist '{1}' gemeint?",
  "'{0}' is not a {1}: its role is {2}": "'{1}' ist kein {2}: Seine Rolle ist {3}",
  "'{0}' is {1}: {2}": "'{1}' ist {2}: {3}",
  "in use": "in Betrieb",
  "the door is closed": "die Tür ist zu",
  "there is nothing to approve": "es gibt nichts zuzulassen",
  "approve it first": "bitte zuerst zulassen",
  "is active or retired": "ist active oder retired",
  "'{leaving}' is the last admin: make another one first": "'{1}' ist der letzte admin: bitte zuerst einen anderen anlegen",
  "'{name}' does not wait to be let in": "'{1}' wartet nicht darauf, hereinzukommen",
  "no device '{name}' waits to be let in": "kein Gerät '{1}' wartet darauf, hereinzukommen",
  "there are 100,000 accounts already: forget those that are not used":
    "es gibt schon 100 000 Konten: bitte die vergessen, die niemand braucht",
  "8 devices of this address wait to be approved: approve or forget some of them":
    "von dieser Adresse warten schon 8 Geräte: bitte einige zulassen oder vergessen",
  "32 devices wait to be approved: approve or forget some of them":
    "32 Geräte warten schon: bitte einige zulassen oder vergessen",
  "there are 256 share links already: revoke those that are not used":
    "es gibt schon 256 Links: bitte die widerrufen, die niemand braucht",
  "64 links that sign in wait to be used already: they are void after 15 minutes":
    "64 Links zum Anmelden warten schon: Nach 15 Minuten gelten sie nicht mehr",
  "the account has 32 tokens already: rotate it, which voids all of them":
    "das Konto hat schon 32 Token: ein neues Passwort widerruft sie alle",
  "there is no token of that id": "ein Token mit dieser Kennung gibt es nicht",
  "a name is 1 to 64 characters of A-Z a-z 0-9 _ -": "ein Name hat 1 bis 64 Zeichen aus A-Z a-z 0-9 _ -",
  "'{text}' is no role; roles are {}": "'{1}' ist keine Rolle; es gibt {2}",
  "its user name is to be its device id: 1 to 64 characters of A-Z a-z 0-9 _ -":
    "sein Benutzername muss seine Gerätekennung sein: 1 bis 64 Zeichen aus A-Z a-z 0-9 _ -",
  "its password has less than 8 characters": "sein Passwort hat weniger als 8 Zeichen",
  // What the audit log tells.
  "{detail} ({untold} more like it before)": "{1} (davor {2} weitere von dieser Art)",
  "open until {until:.0}": "offen bis {1}",
  closed: "geschlossen",
  "with its device": "mit seinem Gerät",
  "from {} as client {client_id:?}": "von {1} als Client {2}",
  "link {id} until {expires:.0} {label}": "Link {1} bis {2} {3}",
  "link {id} {}": "Link {1} {2}",
  "link {id}": "Link {1}",
  "until {expires:.0}": "bis {1}",
  "its account was changed": "sein Konto wurde geändert",
  "by a link": "mit einem Link",
  "by a token": "mit einem Token",
  "by a password": "mit einem Passwort",
  "a link that is void, or was used before": "ein Link, der nicht mehr gilt oder schon benutzt wurde",
  "its role {} has no page": "seine Rolle {1} hat keine Seite",
  "{device_id} at {timestamp}": "{1} um {2}",
  "{} in place of {before}": "{1} an Stelle von {2}",
  "device '{device_id}' is set up: {}": "Gerät '{1}' eingerichtet: {2}",
  "device '{device_id}' is set up": "Gerät '{1}' eingerichtet",
  "device '{name}' is set up: retired (out of use)": "Gerät '{1}' eingerichtet: außer Betrieb genommen",
  "retired (out of use)": "außer Betrieb genommen",
  "retired (in use)": "wieder in Betrieb",
  "device '{device_id}' is forgotten": "Gerät '{1}' vergessen",
  "the settings of all devices are changed": "Einstellungen aller Geräte geändert",
  "the settings of group {location:?} are changed": "Einstellungen des Orts {1} geändert",
  "the settings of group {location:?} are removed": "Einstellungen des Orts {1} entfernt",
};
