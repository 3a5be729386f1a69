// Why a message is refused, why a part is not well, and the words of lists, in German. Keys are the service's own words; its values
// are {1}, {2} and so on.

export const refusals: Record<string, string> = {
  // crates/mqtt/src/payload: what is wrong with a payload.
  "'alarm' is missing": "'alarm' fehlt",
  "{} characters of Base64 exceed {max_bytes} bytes": "{1} Zeichen Base64 sind mehr als {2} Bytes",
  "these are hexadecimal digits; encode the bytes in Base64": "das sind hexadezimale Ziffern; bitte die Bytes in Base64 schreiben",
  "a clip of {} bytes exceeds {max_bytes} bytes": "eine Aufnahme von {1} Bytes ist größer als {2} Bytes",
  "the audio data is not Base64: {detail}": "die Tondaten sind kein Base64: {1}",
  "the data: URI has no comma before its data": "der data:-URI hat kein Komma vor seinen Daten",
  "the data: URI does not say ;base64": "der data:-URI sagt nicht ;base64",
  "its padding does not fit its length": "die Auffüllung passt nicht zur Länge",
  "{shown:?} at character {} is no digit of it": "{1} an Stelle {2} gehört nicht dazu",
  "it is cut short, a character stands alone at its end": "es ist abgeschnitten, am Ende steht ein Zeichen allein",
  "bits are left over in its last character": "im letzten Zeichen sind Bits übrig",
  "it is cut short behind padding": "es ist hinter der Auffüllung abgeschnitten",
  "padding stands in its middle": "die Auffüllung steht in der Mitte",
  "a payload of {} bytes exceeds {max_payload} bytes": "ein Inhalt von {1} Bytes ist größer als {2} Bytes",
  "the audio data is empty": "die Tondaten sind leer",
  "'format' is '{shown}', not wav, flac or pcm: record PCM, 16 bit, mono, 16 kHz":
    "'format' ist '{1}', nicht wav, flac oder pcm: bitte PCM mit 16 bit, mono, 16 kHz aufnehmen",
  "'version' is {}: it is the number that came with the settings": "'version' ist {1}: Es ist die Zahl, die mit den Einstellungen kam",
  "'status' is '{shown}': it is applied or refused": "'status' ist '{1}': Erlaubt ist applied oder refused",
  "the payload is empty": "der Inhalt ist leer",
  "number out of range": "Zahl außerhalb des Bereichs",
  "a number is too large for a double": "eine Zahl ist zu groß",
  "the JSON cannot be read: {error}": "das JSON ist nicht zu lesen: {1}",
  "the payload is UTF-16, {order}: send UTF-8": "der Inhalt ist UTF-16, {1}: bitte UTF-8 senden",
  "the payload is UTF-32: send UTF-8": "der Inhalt ist UTF-32: bitte UTF-8 senden",
  "NUL bytes stand before the JSON: send the text from its first character":
    "vor dem JSON stehen Nullbytes: bitte den Text von seinem ersten Zeichen an senden",
  "the payload is gzip: send the JSON itself": "der Inhalt ist gzip: bitte das JSON selbst senden",
  "the payload is binary, not JSON; it begins with the bytes {}": "der Inhalt ist kein JSON, sondern binär; er beginnt mit den Bytes {1}",
  "the payload is not UTF-8: byte 0x{byte:02X} at {at}, after '{}'; in Latin-1 it would be '{}': send UTF-8":
    "der Inhalt ist kein UTF-8: Byte 0x{1} an Stelle {2}, nach '{3}'; in Latin-1 wäre es '{4}': bitte UTF-8 senden",
  "the JSON ends after {} bytes before it is complete, with '{}': is the sender's buffer too small?":
    "das JSON endet nach {1} Bytes, ehe es vollständig ist, mit '{2}': Ist der Puffer des Senders zu klein?",
  "{whose} is {}, which JSON does not have: send nothing while there is no value":
    "{1} ist {2}, was JSON nicht kennt: bitte nichts senden, solange es keinen Wert gibt",
  "not JSON at byte {}, '{}': {problem}": "kein JSON bei Byte {1}, '{2}': {3}",
  "single quotes; JSON has double quotes (in Python: json.dumps)":
    "einfache Anführungszeichen; JSON hat doppelte (in Python: json.dumps)",
  "a word of Python; JSON has null, true, false (use json.dumps)":
    "ein Wort von Python; JSON hat null, true, false (bitte json.dumps benutzen)",
  "{whose} begins with a plus sign, which JSON does not have": "{1} beginnt mit einem Plus, das JSON nicht kennt",
  "{whose} begins with a point: a digit has to stand before it": "{1} beginnt mit einem Punkt: Davor muss eine Ziffer stehen",
  "{whose} has no value": "{1} hat keinen Wert",
  "{whose} is a text without quotes": "{1} ist ein Text ohne Anführungszeichen",
  "{whose} has no value that JSON knows": "{1} hat keinen Wert, den JSON kennt",
  "a decimal comma, or a comma too many: write 25.5": "ein Dezimalkomma, oder ein Komma zu viel: bitte 25.5 schreiben",
  "a comma stands before the closing bracket": "vor der schließenden Klammer steht ein Komma",
  "a key without quotes": "ein Name ohne Anführungszeichen",
  "a key in double quotes is expected": "erwartet wird ein Name in doppelten Anführungszeichen",
  "a colon is missing after {whose}": "nach {1} fehlt ein Doppelpunkt",
  "a comma is missing before it": "davor fehlt ein Komma",
  "{whose} is no number as JSON has them: send the number alone, like 25.5":
    "{1} ist keine Zahl, wie JSON sie hat: bitte die Zahl allein senden, etwa 25.5",
  "a comma or a closing bracket is expected": "erwartet wird ein Komma oder eine schließende Klammer",
  "{whose} has a leading zero, which JSON does not have": "{1} hat eine führende Null, die JSON nicht kennt",
  "{whose} is no number as JSON has them: a digit is missing": "{1} ist keine Zahl, wie JSON sie hat: Es fehlt eine Ziffer",
  "a backslash that JSON does not know; write two for one": "ein Rückstrich, den JSON nicht kennt; bitte zwei für einen schreiben",
  "a line break or control character within a text": "ein Zeilenumbruch oder Steuerzeichen mitten im Text",
  "more follows after the JSON: send one object in a message": "nach dem JSON folgt noch etwas: bitte ein Objekt je Nachricht senden",
  "brackets are nested too deep": "die Klammern sind zu tief geschachtelt",
  "an invisible character (U+{code:04X}) stands before the JSON": "vor dem JSON steht ein unsichtbares Zeichen (U+{1})",
  "the payload is Base64: send the JSON itself": "der Inhalt ist Base64: bitte das JSON selbst senden",
  "the payload is XML or HTML": "der Inhalt ist XML oder HTML",
  "the payload is no JSON object": "der Inhalt ist kein Objekt in JSON",
  "a list of texts": "eine Liste von Texten",
  "a payload of {} bytes exceeds {MAX_BYTES} bytes": "ein Inhalt von {1} Bytes ist größer als {2} Bytes",
  "the payload says '{shown}', the topic '{device_id}'": "der Inhalt sagt '{1}', das Topic '{2}'",
  "'{path}' is negative": "'{1}' ist negativ",
  "'{path}' is {value}, not a whole number of hertz": "'{1}' ist {2}, keine ganze Zahl in Hertz",
  "'{path}' is not 64 hex digits": "'{1}' sind nicht 64 hexadezimale Ziffern",
  "an object with fields": "ein Objekt mit Feldern",
  "the byte order mark before it is left out": "die Byte-Reihenfolge-Marke davor wird ausgelassen",
  "a NUL and what stands behind it are left out": "ein Nullbyte und was dahinter steht, wird ausgelassen",
  "'{}' is read as '{path}'": "'{1}' wird als '{2}' gelesen",
  "'{path}' is {} {}, and is read as {}": "'{1}' ist {2} {3} und wird als {4} gelesen",
  "'{path}' is '{}', and is read as {time}": "'{1}' ist '{2}' und wird als {3} gelesen",
  "{value} {} is {converted} {}": "{1} {2} sind {3} {4}",
  "'{path}' is missing: it is null": "'{1}' fehlt: Es ist null",
  "'{path}' is missing{hint}": "'{1}' fehlt{2}",
  ": did you mean '{name}' by '{other}'?": ": Ist mit '{2}' '{1}' gemeint?",
  ": it stands inside of '{outer}', and has to stand at the top": ": Es steht in '{1}' und muss oben stehen",
  "; there is {}": "; es gibt {1}",
  "the payload is {}, not an object: {remedy}": "der Inhalt ist {1}, kein Objekt: {2}",
  'send an object, like {{"{name}": {number}, "timestamp": "2025-10-24T12:00:00Z"}}':
    'bitte ein Objekt senden, etwa {"{1}": {2}, "timestamp": "2025-10-24T12:00:00Z"}',
  "send one object in a message": "bitte ein Objekt je Nachricht senden",
  "it is JSON within JSON: it was encoded twice": "es ist JSON in JSON: Es wurde zweimal geschrieben",
  "send an object in { }": "bitte ein Objekt in { } senden",
  "a truth value": "ein Wahrheitswert",
  "'{path}' is the text '{shown}': {problem}": "'{1}' ist der Text '{2}': {3}",
  "send the number alone": "bitte die Zahl allein senden",
  "send the number alone, with a decimal point and without separators":
    "bitte die Zahl allein senden, mit Dezimalpunkt und ohne Trennzeichen",
  "the comma may stand for thousands or for decimals: send a number with a decimal point":
    "das Komma kann für Tausender oder für Dezimalen stehen: bitte eine Zahl mit Dezimalpunkt senden",
  "send nothing while there is no value": "bitte nichts senden, solange es keinen Wert gibt",
  "it is empty": "es ist leer",
  "'{key}' stands twice in the payload": "'{1}' steht zweimal im Inhalt",
  "'{first}' and '{second}' may both mean '{}': send one": "'{1}' und '{2}' können beide '{3}' heißen: bitte eines senden",
  "'{path}' is {}, not {}": "'{1}' ist {2}, nicht {3}",
  "'audio_metadata' is missing": "'audio_metadata' fehlt",
  'a wish is a number from 0 to 100, the word resume, or an object like {"position": 40, "for_s": 7200}':
    'ein Wunsch ist eine Zahl von 0 bis 100, das Wort resume, oder ein Objekt wie {"position": 40, "for_s": 7200}',
  "a number, the word resume or an object": "eine Zahl, das Wort resume oder ein Objekt",
  "'resume' ends a wish, and 'position' begins one: only one of them can be meant":
    "'resume' beendet einen Wunsch, 'position' beginnt einen: Nur eines kann gemeint sein",
  "'position' is missing, or 'resume': true": "'position' fehlt, oder 'resume': true",
  "how long it lasts is said more than once: give one of 'for_s', 'until' and 'forever'":
    "wie lange es gilt, steht mehrmals da: bitte eines von 'for_s', 'until' und 'forever'",
  "a number of seconds": "eine Zahl von Sekunden",
  "'for_s' is {seconds}; it may be 1 to {longest}": "'for_s' ist {1}; erlaubt ist 1 bis {2}",
  "true or false": "true oder false",
  "'{name}' is not {what}": "'{1}' ist nicht {2}",
  "'status' is missing": "'status' fehlt",
  "a status is text: online or offline": "ein Status ist Text: online oder offline",
  "it looks like a date without its separators": "es sieht aus wie ein Datum ohne seine Trennzeichen",
  "a timestamp is RFC 3339, like 2025-10-24T12:00:00Z, or seconds or milliseconds since 1970":
    "eine Zeit ist RFC 3339, etwa 2025-10-24T12:00:00Z, oder Sekunden oder Millisekunden seit 1970",
  "it is empty; without a clock send 0, and the time of receipt counts":
    "es ist leer; ohne Uhr bitte 0 senden, dann zählt die Zeit des Empfangs",
  "it names no zone: append Z if it is UTC, otherwise the offset, like +02:00":
    "es nennt keine Zone: bitte Z anhängen, wenn es UTC ist, sonst den Abstand, etwa +02:00",
  "its offset from UTC is none: they go from -14:00 to +14:00": "diesen Abstand von UTC gibt es nicht: Sie gehen von -14:00 bis +14:00",
  "its zone is a name, which may mean several: append Z for UTC, otherwise the offset, like +02:00":
    "die Zone ist ein Name, der mehreres heißen kann: bitte Z für UTC anhängen, sonst den Abstand, etwa +02:00",
  "'{path}' is '{shown}': {problem}": "'{1}' ist '{2}': {3}",
  // Topics, values, units (crates/mqtt/src/topics.rs, crates/domain/src).
  "no kind of message has a topic of this shape": "keine Nachricht hat ein Topic dieser Form",
  "no message has this topic: did you mean `{meant}`?": "keine Nachricht hat dieses Topic: Ist `{1}` gemeint?",
  "no message has this topic; there are {}": "keine Nachricht hat dieses Topic; es gibt {1}",
  "{self} is not a finite number": "{1} ist keine endliche Zahl",
  "{self} {value} is outside {low} to {high}": "{1} {2} liegt außerhalb von {3} bis {4}",
  "'unit' is '{shown}', which is no unit of {self}: send {}, without a unit or with one of: {}":
    "'unit' ist '{1}', was keine Einheit von {2} ist: bitte {3} senden, ohne Einheit oder mit einer von: {4}",
  "a clip of {bytes} bytes exceeds {} bytes": "eine Aufnahme von {1} Bytes ist größer als {2} Bytes",
  "sample rate {sample_rate} Hz is outside {} to {} Hz": "die Abtastrate {1} Hz liegt außerhalb von {2} bis {3} Hz",
  "a duration of {seconds} s is outside 0 to {} s": "eine Dauer von {1} s liegt außerhalb von 0 bis {2} s",
  "'{path}' is not a finite number": "'{1}' ist keine endliche Zahl",
  "'{path}' is {value}: it may be {low} to {high}": "'{1}' ist {2}: erlaubt ist {3} bis {4}",
  "nothing is said: one of {} or firmware is expected": "nichts ist gesagt: erwartet wird eines von {1} oder firmware",
  "{}; the device's calibration adds {offset} to {raw}": "{1}; der Abgleich des Geräts zählt {2} zu {3}",
  "{value} is outside {low} to {high}": "{1} liegt außerhalb von {2} bis {3}",
  "a device id is 1 to 64 characters of A-Z a-z 0-9 _ -": "eine Gerätekennung hat 1 bis 64 Zeichen aus A-Z a-z 0-9 _ -",
  "the device id is empty": "die Gerätekennung ist leer",
  "'{shown}…' is too long for a device id": "'{1}…' ist zu lang für eine Gerätekennung",
  "'{shown}' is no device id: '{bad}' cannot stand in it": "'{1}' ist keine Gerätekennung: '{2}' darf nicht darin stehen",
  "{problem}; use '{id}' in every topic of this device": "{1}; bitte '{2}' in jedem Topic dieses Geräts benutzen",
  // What a value looks like (crates/domain/src/fault.rs).
  "85 °C is what a DS18B20 holds after power-on, before its first conversion":
    "85 °C zeigt ein DS18B20 nach dem Einschalten, vor seiner ersten Messung",
  "DallasTemperature says -127 for a DS18B20 that does not answer: check its wiring and pull-up":
    "DallasTemperature sagt -127 für einen DS18B20, der nicht antwortet: bitte Leitung und Pull-up prüfen",
  "0 is what a DHT gives when no bit arrives: its checksum of zeros is right":
    "0 kommt von einem DHT, wenn kein Bit ankommt: Die Prüfsumme aus Nullen stimmt",
  "the lowest output of its sensor: nothing was read from it": "die kleinste Ausgabe seines Sensors: Nichts wurde gelesen",
  "the edge of a BME280's range, where its driver puts what it cannot compute":
    "der Rand des Bereichs eines BME280, wo sein Treiber ablegt, was er nicht rechnen kann",
  'it looks like °F: state "unit": "F", or "unit": "C" if it is °C':
    'es sieht nach °F aus: bitte "unit": "F" angeben, oder "unit": "C", wenn es °C sind',
  'it looks like a fraction of one: state "unit": "fraction", or "unit": "%" if it is percent':
    'es sieht nach einem Bruchteil von eins aus: bitte "unit": "fraction" angeben, oder "unit": "%", wenn es Prozent sind',
  "outdoor air has over 400 ppm: the sensor has not measured yet": "Außenluft hat über 400 ppm: Der Sensor hat noch nicht gemessen",
  "the sensor's register is all ones: nothing was read from it": "das Register des Sensors ist voller Einsen: Nichts wurde gelesen",
  "a placeholder for no value: send nothing instead": "ein Platzhalter für keinen Wert: bitte stattdessen nichts senden",
  'it looks like pascal: state "unit": "Pa", or send hPa': 'es sieht nach Pascal aus: bitte "unit": "Pa" angeben, oder hPa senden',
  'it looks like kilopascal: state "unit": "kPa", or send hPa':
    'es sieht nach Kilopascal aus: bitte "unit": "kPa" angeben, oder hPa senden',
  'it looks like inches of mercury: state "unit": "inHg", or send hPa':
    'es sieht nach Zoll Quecksilber aus: bitte "unit": "inHg" angeben, oder hPa senden',
  'it looks like kelvin: state "unit": "K", or send °C': 'es sieht nach Kelvin aus: bitte "unit": "K" angeben, oder °C senden',
  "it looks like hundredths of a degree: divide by 100": "es sieht nach Hundertsteln eines Grades aus: bitte durch 100 teilen",
  // Messages that were taken, and what is said of them (crates/backend/src: claims, clocks, doubt, history, inspection and others).
  "'sample_rate' is {} Hz, the recording's header says {} Hz and is believed: one of them is wrong":
    "'sample_rate' ist {1} Hz, der Kopf der Aufnahme sagt {2} Hz und gilt: Eines von beiden ist falsch",
  ": twice as long, as when 32-bit words or two channels are called 16 bit mono, or at half of the true rate":
    ": doppelt so lang, wie wenn Wörter von 32 Bit oder zwei Kanäle 16 Bit mono heißen, oder bei halber Abtastrate",
  ": four times as long, as when two channels of 32-bit words are called 16 bit mono":
    ": viermal so lang, wie wenn zwei Kanäle mit Wörtern von 32 Bit 16 Bit mono heißen",
  ": half as long, as when 8 bit or one channel is called more, at twice the true rate, or when half is missing":
    ": halb so lang, wie wenn 8 Bit oder ein Kanal mehr genannt wird, bei doppelter Abtastrate, oder wenn die Hälfte fehlt",
  "'duration' is {claimed} s, the recording lasts {real:.3} s{cause}": "'duration' ist {1} s, die Aufnahme dauert {2} s{3}",
  "every second sample is silent, as when 32-bit words or two channels are called 16 bit mono":
    "jeder zweite Wert ist still, wie wenn Wörter von 32 Bit oder zwei Kanäle 16 Bit mono heißen",
  "feature extraction failed on this clip": "an dieser Aufnahme scheiterten die Merkmale",
  "its clock stands still: look at its battery and at where it gets its time":
    "seine Uhr steht: bitte die Batterie prüfen, und woher es die Zeit hat",
  "its clock was never set: let it ask a time server (SNTP)": "seine Uhr wurde nie gestellt: Es sollte einen Zeitserver fragen (SNTP)",
  "its clock is ahead: look at its time server and its time zone": "seine Uhr geht vor: bitte Zeitserver und Zeitzone prüfen",
  "{kind} is stamped {claimed}: {remedy}": "{1} trägt die Zeit {2}: {3}",
  "what we say is not for us": "was der Dienst sagt, ist nicht für ihn selbst",
  "the broker does not let slips of topics be looked for; see mqtt.diagnostic_topics":
    "der Broker lässt nicht nach Schreibfehlern in Topics suchen; siehe mqtt.diagnostic_topics",
  "the broker refuses the subscription to {}": "der Broker lehnt das Abonnement von {1} ab",
  "{quantity} {}{}: {cause}; kept in suspect_readings, decides nothing":
    "{1} {2}{3}: {4}; aufgehoben in suspect_readings, entscheidet nichts",
  "a retained wish says where somebody wanted the window once, and would move it at each connection: it is not carried out; publish wishes without the retain flag, and clear this one with an empty retained message on its topic":
    "ein aufgehobener Wunsch sagt, wohin jemand das Fenster einmal wollte, und bewegte es bei jeder Verbindung: Er wird nicht ausgeführt; bitte Wünsche ohne retain veröffentlichen, und diesen mit einer leeren aufgehobenen Nachricht auf seinem Topic löschen",
  "a retained message that states no time; publish measurements without the retain flag":
    "eine aufgehobene Nachricht, die keine Zeit nennt; bitte Messwerte ohne retain veröffentlichen",
  "a retained message whose time is unknown: {claimed} {which}; publish measurements without the retain flag":
    "eine aufgehobene Nachricht, deren Zeit unbekannt ist: {1} {2}; bitte Messwerte ohne retain veröffentlichen",
  "has not come yet": "ist noch nicht gekommen",
  "is that of a clock that was never set": "ist die einer nie gestellten Uhr",
  "no message of Casement has this topic": "keine Nachricht von Casement hat dieses Topic",
  "the device's calibration adds {offset} to {raw}": "der Abgleich des Geräts zählt {1} zu {2}",
  "the value is beyond the range of {quantity} by no more than a working sensor may err, and is put at its end":
    "der Wert liegt nicht weiter außerhalb von {1}, als ein heiler Sensor irrt, und wird an dessen Ende gesetzt",
  "{cause}; it is kept apart and decides nothing": "{1}; er wird beiseite gelegt und entscheidet nichts",
  "a recording: {}, {} Hz, {:.3} s": "eine Aufnahme: {1}, {2} Hz, {3} s",
  "the time of receipt is stored in place of it: {}": "gespeichert wird stattdessen die Zeit des Empfangs: {1}",
  "it is late: it is stored, and decides only where the device's clock is behind steadily":
    "sie kommt spät: Sie wird gespeichert, und entscheidet nur, wenn die Uhr des Geräts stets gleich nachgeht",
  "windows are shut while it is on, unless their settings say otherwise; nothing is stored of the message itself":
    "solange er an ist, sind Fenster geschlossen, wenn ihre Einstellungen nichts anderes sagen; von der Nachricht selbst wird nichts gespeichert",
  "with home_assistant.enabled the window is held where it is, or let go of; nothing is stored of the message itself":
    "mit home_assistant.enabled wird das Fenster gehalten, wo es ist, oder losgelassen; von der Nachricht selbst wird nichts gespeichert",
  "a running service refuses it where no such device is known, where it is retired, and where it ends before it begins":
    "ein laufender Dienst lehnt sie ab, wenn er das Gerät nicht kennt, es außer Betrieb ist, oder sie endet, ehe sie beginnt",
  "it asks for the time, which the backend tells on the device's topic of it; nothing is stored":
    "sie fragt nach der Zeit, und der Dienst nennt sie auf dem Topic des Geräts; gespeichert wird nichts",
  "it states no time, as it may: the time of receipt is stored": "sie nennt keine Zeit, und darf das: Gespeichert wird die des Empfangs",
  "the backend says it and does not read it; home automation does": "der Dienst sagt sie und liest sie nicht; das tut die Hausautomation",
  "the backend sends requests and does not read them; an ML service does":
    "der Dienst sendet Anfragen und liest sie nicht; das tut ein ML-Dienst",
  "the backend says it and does not read it; devices do": "der Dienst sagt sie und liest sie nicht; das tun Geräte",
  "an empty message makes a broker forget what it retained": "eine leere Nachricht lässt einen Broker vergessen, was er aufhob",
  "the log cannot be used now": "das Journal lässt sich jetzt nicht benutzen",
  "it is no JSON object": "es ist kein Objekt in JSON",
  "{key} is no number": "{1} ist keine Zahl",
  // Settings that cannot be used (crates/domain/src/settings).
  "the device gives no reason": "das Gerät nennt keinen Grund",
  "begins and ends at {at}, which is no time at all; the whole day is 00:00 to 00:00":
    "beginnt und endet um {1}, also nie; der ganze Tag ist 00:00 bis 00:00",
  "is the same as from, which is no time at all; the whole day is 00:00 to 00:00":
    "ist dasselbe wie von, also nie; der ganze Tag ist 00:00 bis 00:00",
  "is {zone}, which this machine does not know: names are such as Europe/Berlin, and a machine without any needs the package tzdata":
    "ist {1}, was dieser Rechner nicht kennt: Namen sind etwa Europe/Berlin, und ein Rechner ganz ohne sie braucht das Paket tzdata",
  "an object with named values": "ein Objekt mit benannten Werten",
  "names one to seven days; without it, it is every day": "nennt einen bis sieben Tage; ohne das ist es jeder Tag",
  "says nothing for the kind {kind}": "sagt nichts für die Art {1}",
  "has a name that is empty, longer than {MAX_NAME} bytes or has control characters":
    "hat einen Namen, der leer ist, länger als {1} Bytes oder mit Steuerzeichen",
  "a time of day is HH:MM, from 00:00 to 23:59": "eine Uhrzeit ist HH:MM, von 00:00 bis 23:59",
  "a day of the year is MM-DD, from 01-01 to 12-31": "ein Tag des Jahres ist MM-DD, von 01-01 bis 12-31",
  "a moment of the day is HH:MM, sunrise or sunset, or one of them with up to 12 hours: sunset-00:30":
    "ein Zeitpunkt ist HH:MM, sunrise oder sunset, oder eines davon mit bis zu 12 Stunden: sunset-00:30",
  // Windows and devices (crates/backend/src/windows, devices).
  "the device is retired": "das Gerät ist außer Betrieb",
  "the service ends": "der Dienst endet",
  "it ends before it begins: `until` is {0}, which is past": "es endet, ehe es beginnt: `until` ist {1}, und das ist vorbei",
  "no device {0} is known, so its window is not moved: check the id; a device is known once it was heard of, or set up with PATCH /api/v1/devices/{0}":
    "kein Gerät {1} ist bekannt, also wird kein Fenster bewegt: bitte die Kennung prüfen; bekannt ist ein Gerät, sobald es zu hören war oder mit PATCH /api/v1/devices/{2} eingerichtet ist",
  '{0} is retired, so its window is not moved: put it back into use first, with {{"retired": false}} to PATCH /api/v1/devices/{0}':
    '{1} ist außer Betrieb, also wird sein Fenster nicht bewegt: bitte zuerst wieder in Betrieb nehmen, mit {"retired": false} an PATCH /api/v1/devices/{2}',
  "there are {0} windows already, the most that are looked after; see backend.max_devices":
    "es gibt schon {1} Fenster, um mehr kümmert sich der Dienst nicht; siehe backend.max_devices",
  "it is carried out, but would not survive a restart: {0}": "es wird ausgeführt, überlebte aber keinen Neustart: {1}",
  "it was gone since {since}": "es war weg seit {1}",
  "it was gone before the backend's start": "es war schon vor dem Start des Dienstes weg",
  "nothing was ever heard of it": "von ihm war nie etwas zu hören",
  "there are {MOST_ALARMS} alarms, and no place for further ones": "es gibt {1} Alarme, und für weitere keinen Platz",
  // Parts of the service (crates/backend, casement, engine).
  "not reached yet": "noch nicht erreicht",
  "{progress}; the attempt before failed: {failed}": "{1}; der Versuch davor scheiterte: {2}",
  "which devices were known before the start is not read yet":
    "welche Geräte vor dem Start bekannt waren, ist noch nicht gelesen",
  "windows that rain, wind, frost or an alarm limited stay so until sensors and alarms say it again, for a day at most":
    "Fenster, die Regen, Wind, Frost oder ein Alarm begrenzte, bleiben so, bis Sensoren und Alarme es wieder sagen, höchstens einen Tag",
  "windows.json is lost, too: what sensors said last is known, and no alarm before it is said again":
    "auch windows.json ist verloren: Bekannt ist, was Sensoren zuletzt sagten, und ein Alarm erst, wenn er wieder gesagt wird",
  "rules.json was lost before an earlier start": "rules.json ging vor einem früheren Start verloren",
  "rules.json is not there": "rules.json ist nicht da",
  "rules.json cannot be written ({}): what closes windows now would not survive a restart, and what tells of it is not acknowledged meanwhile":
    "rules.json lässt sich nicht schreiben ({1}): Was jetzt Fenster schließt, überlebte keinen Neustart, und was davon spricht, wird inzwischen nicht bestätigt",
  "valid for {} days": "noch {1} Tage gültig",
  "its process ended and is started again": "sein Prozess endete und wird neu gestartet",
  "{free} bytes are free on the disk of ClickHouse, and retention.min_free_bytes is {mark}":
    "auf der Festplatte von ClickHouse sind {1} Bytes frei, und retention.min_free_bytes ist {2}",
  "nothing is left that may be removed: make room on it, or lower the mark":
    "es gibt nichts mehr, was weg darf: bitte Platz schaffen oder die Grenze senken",
  "the oldest readings that are rolled up are removed, a month of one table a minute":
    "die ältesten schon zusammengefassten Messwerte werden entfernt, jede Minute ein Monat einer Tabelle",
  "removed because they were older than retention keeps them": "entfernt, weil sie älter waren, als retention erlaubt",
  "removed because the disk had less than retention.min_free_bytes left":
    "entfernt, weil auf der Festplatte weniger als retention.min_free_bytes frei war",
  "{table}: {rows} rows of {} ({bytes} bytes), {}": "{1}: {2} Zeilen von {3} ({4} Bytes), {5}",
  "not connected yet": "noch nicht verbunden",
  "at most {limit} open files and connections{advice}": "höchstens {1} offene Dateien und Verbindungen{2}",
  "more than {most} devices: new ones are stored, but neither shown nor decided for":
    "mehr als {1} Geräte: Neue werden gespeichert, aber weder gezeigt noch bedacht",
  "{} of {} bytes are used: nothing is acknowledged until ClickHouse takes rows":
    "{1} von {2} Bytes sind belegt: Nichts wird bestätigt, bis ClickHouse Zeilen annimmt",
  "{} records were unreadable since the start: see casement journal verify":
    "{1} Einträge waren seit dem Start nicht zu lesen: siehe casement journal verify",
  "every place for {queue} is taken; more of them wait (engine.limits)":
    "jeder Platz für {1} ist belegt; weitere warten (engine.limits)",
  "there is no backup yet": "noch gibt es keine Sicherung",
  "the newest backup is of {newest:.0}": "die neueste Sicherung ist von {1}",
  "the last backup failed: {failure}; {newest_said}": "die letzte Sicherung ist gescheitert: {1}; {2}",
  "{newest_said}, and one is due every {} s": "{1}, und fällig ist eine alle {2} s",
};

/** Words of lists: reasons of refusals, kinds of entries of the audit log, parts and checks. */
export const codes: Record<string, string> = {
  bad_topic: "unbekanntes Topic", bad_device_id: "keine Gerätekennung", too_large: "zu groß", not_json: "kein JSON", missing_field: "Feld fehlt",
  wrong_type: "falsche Art", not_finite: "keine endliche Zahl", out_of_range: "außerhalb des Bereichs", bad_unit: "falsche Einheit",
  bad_timestamp: "Zeit unlesbar", unknown_time: "Zeit unbekannt", bad_base64: "kein Base64", bad_audio: "Ton unlesbar", device_mismatch: "anderes Gerät",
  unknown_device: "Gerät unbekannt", database: "ClickHouse lehnte ab", internal: "eigener Fehler",
  connection_refused: "Verbindung abgelehnt", no_greeting: "keine Begrüßung", other_protocol: "anderes Protokoll", tls_failed: "TLS gescheitert",
  websocket_refused: "WebSocket abgelehnt", connection_limit: "zu viele Verbindungen", no_descriptors: "keine offenen Dateien mehr", protocol_error: "Protokollfehler",
  quota_exceeded: "Menge überschritten", taken_over: "anderswo neu verbunden", login_failed: "Anmeldung gescheitert", not_authorized: "nicht erlaubt",
  access_ended: "Zugang beendet", takeover_fight: "zwei mit derselben Kennung", publish_refused: "Nachricht abgelehnt", subscription_refused: "Abonnement abgelehnt",
  keep_alive_ended: "zu lange still", not_reading: "liest nicht mehr", messages_dropped: "Nachrichten fallen gelassen", storage_damaged: "Speicher beschädigt", retired: "Gerät außer Betrieb",
  sign_in: "angemeldet", sign_in_failed: "Anmeldung gescheitert", sign_out: "abgemeldet", session_ended: "Sitzung beendet", refused: "abgelehnt",
  mqtt_login_failed: "Anmeldung am Broker gescheitert", mqtt_not_authorized: "am Broker nicht erlaubt", mqtt_access_ended: "Zugang am Broker beendet", mqtt_takeover_fight: "zwei mit derselben Kennung am Broker",
  pairing: "Tür für Geräte", introduce: "Gerät stellte sich vor", share: "Link gemacht", unshare: "Link widerrufen", link: "Anmeldelink gemacht", share_opened: "Link geöffnet",
  account_add: "Konto angelegt", account_approve: "Konto zugelassen", account_retire: "Konto außer Betrieb", account_return: "Gerät wieder in Betrieb", account_rotate: "neues Passwort", account_rename: "Konto umbenannt", account_forget: "Konto vergessen",
  account_token: "Token gemacht", account_revoke: "Token widerrufen", device_forgotten: "Gerät vergessen", registry_changed: "Geräte oder Einstellungen geändert", recording_heard: "Aufnahme gehört",
  model_added: "Modell hinzugefügt", model_removed: "Modell entfernt", model_promoted: "Modell entscheidet", model_rolled_back: "Modell zurückgenommen", model_shadowed: "Modell im Schatten",
  model_unshadowed: "Schatten beendet", model_trained: "Modell trainiert", training_started: "Training begonnen", training_cancelled: "Training abgebrochen",
  rules: "Sperren und Zeitpläne", backup: "Sicherung", data_directory: "Verzeichnis der Daten", processor: "Prozessor", engine_answers: "ClickHouse probiert", features: "Merkmale", default_model: "Eingebautes Modell",
};
