// What the checks of `casement doctor` say, in German. Keys are the service's own words; its values are {1}, {2} and so on.

export const checks: Record<string, string> = {
  // crates/casement/src/doctor: what is asked, and what there is of a service.
  "{path} is answered by something that is not Casement": "auf {1} antwortet etwas, das nicht Casement ist",
  "{path} is answered with {other}": "auf {1} kommt die Antwort {2}",
  "no service runs to be asked": "kein Dienst läuft, der gefragt werden könnte",
  "the service wants to know who asks: set CASEMENT_TOKEN, or name --token-file (casement accounts token NAME)":
    "der Dienst will wissen, wer fragt: CASEMENT_TOKEN setzen oder --token-file nennen (casement accounts token NAME)",
  "the service does not answer: {reason}": "der Dienst antwortet nicht: {1}",
  "Look at its log; another program may listen at its address.":
    "Bitte sein Protokoll ansehen; vielleicht horcht ein anderes Programm an seiner Adresse.",
  "no answer within {} s": "keine Antwort in {1} s",
  "Look at what it waits for: a disk that hangs, a network that drops packets.":
    "Bitte ansehen, worauf es wartet: eine Festplatte, die hängt, ein Netz, das Pakete verliert.",
  "the check ended with a fault of its own": "die Prüfung endete mit einem eigenen Fehler",
  "Report it, with the log.": "Bitte melden, mit dem Protokoll.",
  // accounts
  "there are no accounts yet in {}": "in {1} gibt es noch keine Konten",
  "{} cannot be looked at: {error}": "{1} lässt sich nicht ansehen: {2}",
  "Run doctor as the user of the service.": "doctor bitte als Benutzer des Dienstes aufrufen.",
  "Put a copy from a backup in its place, or run doctor as the user of the service.":
    "Bitte eine Kopie aus einer Sicherung an seine Stelle legen, oder doctor als Benutzer des Dienstes aufrufen.",
  "there is no admin: nobody can change accounts or settings over HTTP":
    "es gibt keinen admin: Niemand kann über HTTP Konten oder Einstellungen ändern",
  "Make one: casement accounts add NAME --role admin": "Einen anlegen: casement accounts add NAME --role admin",
  "{count} accounts, an admin among them, closed to other users":
    "{1} Konten, darunter ein admin, anderen Benutzern verschlossen",
  "the accounts can be read": "die Konten lassen sich lesen",
  "other users of this machine can open {} (mode {mode:04o})": "andere Benutzer dieses Rechners können {1} öffnen (Modus {2})",
  "chmod {right} {}": "chmod {1} {2}",
  // broker
  "the connection ended": "die Verbindung endete",
  "the broker {broker} takes a connection": "der Broker {1} nimmt eine Verbindung an",
  "the broker {broker} does not take a connection: {reason}": "der Broker {1} nimmt keine Verbindung an: {2}",
  "Start it, or correct mqtt.broker, mqtt.username and the password.":
    "Bitte starten, oder mqtt.broker, mqtt.username und das Passwort berichtigen.",
  "the embedded broker runs with the service, which does not":
    "der eingebettete Broker läuft mit dem Dienst, und der läuft nicht",
  "the embedded broker has no plain listener; see handshake": "der eingebettete Broker hat keinen offenen Anschluss; siehe TLS",
  "the embedded broker takes a connection at {address}": "der eingebettete Broker nimmt bei {1} eine Verbindung an",
  "the embedded broker answers at {address}": "der eingebettete Broker antwortet bei {1}",
  "the embedded broker does not answer at {address}: {reason}": "der eingebettete Broker antwortet bei {1} nicht: {2}",
  "Give doctor the flags and the configuration that the service was started with, or look at its log.":
    "doctor bitte mit den Schaltern und der Konfiguration aufrufen, mit denen der Dienst gestartet wurde, oder sein Protokoll ansehen.",
  "refused the connection": "hat die Verbindung abgelehnt",
  "{address} lets this machine in without an account, as configured":
    "{1} lässt diesen Rechner ohne Konto herein, wie eingestellt",
  "{address} lets nobody in without an account": "{1} lässt niemanden ohne Konto herein",
  "{address} lets nobody in without an account, although the configuration says so":
    "{1} lässt niemanden ohne Konto herein, obwohl die Konfiguration es so will",
  "Restart the service with this configuration.": "Bitte den Dienst mit dieser Konfiguration neu starten.",
  "{address} lets anybody in without an account, and must not": "{1} lässt jeden ohne Konto herein, und darf das nicht",
  "Restart the service with this configuration (broker.anonymous, the listener's own anonymous).":
    "Bitte den Dienst mit dieser Konfiguration neu starten (broker.anonymous, oder anonymous beim Anschluss selbst).",
  "no plain listener of the embedded broker; see handshake": "kein offener Anschluss am eingebetteten Broker; siehe TLS",
  "the connection to the broker cannot be made; see broker": "die Verbindung zum Broker kommt nicht zustande; siehe Broker",
  "the broker {broker} lets nobody in without an account": "der Broker {1} lässt niemanden ohne Konto herein",
  "the broker {broker} does not answer: {reason}": "der Broker {1} antwortet nicht: {2}",
  "the broker {broker} lets anybody in without an account": "der Broker {1} lässt jeden ohne Konto herein",
  "Close it: in Mosquitto allow_anonymous false; `casement provision mosquitto` writes the files.":
    "Bitte schließen: in Mosquitto allow_anonymous false; `casement provision mosquitto` schreibt die Dateien.",
  // certificates
  "Renew it: casement provision tls, or as its authority tells; a running service serves the new one at once.":
    "Bitte erneuern: casement provision tls, oder wie seine Stelle es sagt; ein laufender Dienst benutzt das neue sofort.",
  "no listener speaks TLS": "kein Anschluss spricht TLS",
  "Make one: casement provision tls --host NAME; or correct tls.certificate_file.":
    "Eines machen: casement provision tls --host NAME; oder tls.certificate_file berichtigen.",
  "{} is for {}": "{1} ist für {2}",
  "the certificate is not valid yet": "das Zertifikat gilt noch nicht",
  "Look at the clock of this machine, and at the certificate's.":
    "Bitte die Uhr dieses Rechners und die Zeiten des Zertifikats ansehen.",
  "the certificate expired {} days ago": "das Zertifikat ist seit {1} Tagen abgelaufen",
  "the certificate ends in {days} days": "das Zertifikat endet in {1} Tagen",
  "the certificate is valid for {days} days": "das Zertifikat gilt noch {1} Tage",
  "no service runs to make a handshake with": "kein Dienst läuft, mit dem sich TLS aushandeln ließe",
  "Make the certificates: casement provision tls": "Die Zertifikate machen: casement provision tls",
  "{} listeners, each with a verified handshake": "{1} Anschlüsse, jeder mit geprüftem TLS",
  "{what} at {address}: {reason}": "{1} bei {2}: {3}",
  "{found}: this system does not know its authority": "{1}: Dieses System kennt seine Zertifizierungsstelle nicht",
  "Clients need the authority's certificate, unless theirs know it.":
    "Wer sich verbindet, braucht das Zertifikat dieser Stelle, wenn er es nicht schon kennt.",
  "not valid for name": "gilt nicht für diesen Namen",
  "Make one for this name: casement provision tls --host NAME":
    "Eines für diesen Namen machen: casement provision tls --host NAME",
  // clickhouse
  "ClickHouse answers at {url}": "ClickHouse antwortet bei {1}",
  "{url} answers {}": "{1} antwortet {2}",
  "Is this ClickHouse's HTTP interface? Correct clickhouse.addr.":
    "Ist das die HTTP-Schnittstelle von ClickHouse? Bitte clickhouse.addr berichtigen.",
  "the embedded ClickHouse runs with the service, which does not ({error})":
    "das eingebettete ClickHouse läuft mit dem Dienst, und der läuft nicht ({1})",
  "ClickHouse cannot be reached at {url}: {error}": "ClickHouse ist bei {1} nicht zu erreichen: {2}",
  "Start it, or correct clickhouse.addr. Readings wait in the journal meanwhile.":
    "Bitte starten, oder clickhouse.addr berichtigen. Messwerte warten inzwischen im Journal.",
  "ClickHouse's writer is known to the service alone": "wer in ClickHouse schreibt, weiß nur der Dienst",
  "{}; ClickHouse has version {version}": "{1}; ClickHouse hat Version {2}",
  "the schema's version is no number": "die Version der Tabellen ist keine Zahl",
  "Is this Casement's database?": "Ist das die Datenbank von Casement?",
  "the schema cannot be looked at while no service runs ({error})":
    "die Tabellen lassen sich nicht ansehen, solange kein Dienst läuft ({1})",
  "the schema cannot be read: {error}": "die Tabellen lassen sich nicht lesen: {1}",
  "See clickhouse; the service makes the schema when it reaches ClickHouse.":
    "Siehe ClickHouse; der Dienst macht die Tabellen, sobald er ClickHouse erreicht.",
  "the schema has version {known}, as this program": "die Tabellen haben Version {1}, wie dieses Programm",
  "the schema has version {found}, this program version {known}": "die Tabellen haben Version {1}, dieses Programm Version {2}",
  "The service of this version brings it up at its start: restart it.":
    "Der Dienst dieser Version bringt sie beim Start auf Stand: bitte neu starten.",
  "the schema has version {found}, this program knows {known}": "die Tabellen haben Version {1}, dieses Programm kennt {2}",
  "A newer casement has changed it: use that one.": "Ein neueres casement hat sie geändert: bitte jenes benutzen.",
  "ClickHouse does not answer; see clickhouse": "ClickHouse antwortet nicht; siehe ClickHouse",
  "there is no schema yet: a backend makes it": "noch gibt es keine Tabellen: Ein Backend macht sie",
  "the writer may not insert: {error}": "wer schreibt, darf nichts einfügen: {1}",
  "Correct clickhouse.user and its password, or GRANT ALL ON the database.":
    "Bitte clickhouse.user und sein Passwort berichtigen, oder GRANT ALL ON für die Datenbank.",
  "the writer may insert; readers are not tried": "wer schreibt, darf einfügen; Lesende werden nicht probiert",
  "the writer may insert; the reader has a password of its own and is not tried":
    "wer schreibt, darf einfügen; wer liest, hat ein eigenes Passwort und wird nicht probiert",
  "the user 'reader' can insert": "der Benutzer 'reader' kann einfügen",
  "Stop the engine, and report this: it must refuse.": "Bitte ClickHouse anhalten und dies melden: Es muss ablehnen.",
  "the writer may insert, the reader reads and may not": "wer schreibt, darf einfügen; wer liest, darf es nicht",
  // clocks
  "the clock of this machine was never set": "die Uhr dieses Rechners wurde nie gestellt",
  "Let it ask a time server: timedatectl set-ntp true": "Er sollte einen Zeitserver fragen: timedatectl set-ntp true",
  "the clock of this machine was set": "die Uhr dieses Rechners ist gestellt",
  "the clock of this machine was set, and its file system has the same time":
    "die Uhr dieses Rechners ist gestellt, und sein Dateisystem hat dieselbe Zeit",
  "the file system of the data is {} s from this machine's clock":
    "das Dateisystem der Daten liegt {1} s neben der Uhr dieses Rechners",
  "Set the clocks of this machine and of the file server by time servers.":
    "Bitte die Uhren dieses Rechners und des Dateiservers nach Zeitservern stellen.",
  "no device was heard of yet": "noch ist kein Gerät bekannt",
  "{off} of {} devices differ from this machine's clock by more than {OFF_S} s":
    "{1} von {2} Geräten liegen mehr als {3} s neben der Uhr dieses Rechners",
  "Where so many agree, look at this machine's clock first: timedatectl":
    "Wo so viele einig sind, bitte zuerst die Uhr dieses Rechners ansehen: timedatectl",
  "{} devices, none with a wrong clock": "{1} Geräte, keines mit falscher Uhr",
  "{} of {} devices have a wrong clock: {shown}": "{1} von {2} Geräten haben eine falsche Uhr: {3}",
  "Let them ask a time server (SNTP); their messages are stored with the time of receipt meanwhile.":
    "Sie sollten einen Zeitserver fragen (SNTP); ihre Nachrichten werden inzwischen mit der Zeit des Empfangs gespeichert.",
  // configuration, data, devices
  "every key that is used can be used": "alles Eingestellte lässt sich gebrauchen",
  "passwords and readings cross the network readable at {}": "bei {1} gehen Passwörter und Messwerte lesbar durch das Netz",
  "Use a listener with tls: true, as `casement up --lan` does.":
    "Bitte einen Anschluss mit tls: true benutzen, wie `casement up --lan` es tut.",
  "there are no data yet": "noch gibt es keine Daten",
  "{count} directories, closed to other users and writable": "{1} Verzeichnisse, anderen Benutzern verschlossen und beschreibbar",
  "{shown} belongs to the user {} and cannot be written by this one":
    "{1} gehört dem Benutzer {2}, und dieser kann dort nicht schreiben",
  "Run doctor and the service as one user, or give the directory to that user.":
    "doctor und den Dienst bitte als ein Benutzer laufen lassen, oder ihm das Verzeichnis geben.",
  "other users of this machine can enter {shown} (mode {mode:04o})":
    "andere Benutzer dieses Rechners kommen in {1} hinein (Modus {2})",
  "chmod 700 {shown}": "chmod 700 {1}",
  "{} devices, all well": "{1} Geräte, alle in Ordnung",
  "{named} and {more} more": "{1} und {2} weitere",
  "{} of {} devices are not well: {shown}": "{1} von {2} Geräten sind nicht in Ordnung: {3}",
  "Look at them on the page or in casement top: battery, network, sensor.":
    "Bitte auf der Seite oder in casement top ansehen: Batterie, Netz, Sensor.",
  // disk
  "the disk of {what} cannot be looked at: {error}": "die Festplatte von {1} lässt sich nicht ansehen: {2}",
  "at least {} MiB are free for every part": "für jeden Teil sind wenigstens {1} MiB frei",
  "{} MiB are free for {what} in {}": "{1} MiB sind frei für {2} in {3}",
  "Make room, keep less (retention), or move the directory to a larger disk.":
    "Bitte Platz machen, weniger aufheben (retention) oder das Verzeichnis auf eine größere Festplatte legen.",
  "nothing can be written in {}: {error}": "in {1} lässt sich nichts schreiben: {2}",
  "Look at its permissions and its free space.": "Bitte seine Rechte und seinen freien Platz ansehen.",
  "a sync takes {:.1} ms, the longest {:.1} ms": "das Sichern auf die Festplatte dauert {1} ms, das längste {2} ms",
  "Every message waits for a sync: use a disk with less to do, or one that syncs faster (SD cards do not).":
    "Jede Nachricht wartet darauf: bitte eine Festplatte mit weniger Arbeit nehmen, oder eine schnellere (SD-Karten sind es nicht).",
  // engine
  "ClickHouse runs elsewhere": "ClickHouse läuft anderswo",
  "Fetch it: fetch-engine.sh of the package, or make engine; or correct engine.library; or name a ClickHouse of yours (--clickhouse URL).":
    "Bitte holen: fetch-engine.sh aus dem Paket oder make engine; oder engine.library berichtigen; oder ein eigenes ClickHouse nennen (--clickhouse URL).",
  "the library of version {} is there": "die Bibliothek der Version {1} ist da",
  "a library is named, {path}; Casement is tested with version {}":
    "eine Bibliothek ist genannt, {1}; geprüft ist Casement mit Version {2}",
  "the engine is not confined (engine.allow_outside); {locks}": "ClickHouse ist nicht eingesperrt (engine.allow_outside); {1}",
  "Leave engine.allow_outside out, unless statements have to read files elsewhere.":
    "engine.allow_outside bitte weglassen, wenn nicht Abfragen Dateien anderswo lesen müssen.",
  "Use a kernel with Landlock (Linux 5.13) and seccomp; containers may switch them off.":
    "Bitte einen Kernel mit Landlock (Linux 5.13) und seccomp benutzen; Container schalten sie manchmal ab.",
  // What the kernel closes (crates/engine/src/sandbox.rs).
  "files, network and programs are closed by the kernel": "Dateien, Netz und Programme schließt der Kernel ab",
  "files are closed by the kernel; it has no seccomp to close the network":
    "Dateien schließt der Kernel ab; ihm fehlt seccomp, um das Netz abzuschließen",
  "network and programs are closed by the kernel; it has no Landlock (Linux 5.13) to close files":
    "Netz und Programme schließt der Kernel ab; ihm fehlt Landlock (Linux 5.13), um Dateien abzuschließen",
  "this kernel has neither Landlock nor seccomp: only the check of statements keeps files and network closed":
    "diesem Kernel fehlen Landlock und seccomp: Nur die Prüfung der Abfragen hält Dateien und Netz verschlossen",
  // host
  "this system does not say how much memory it has": "dieses System sagt nicht, wie viel Arbeitsspeicher es hat",
  "a limit of {} MiB": "eine Grenze von {1} MiB",
  "{} of {} MiB are available, {} MiB of swap, {limit}": "{1} von {2} MiB sind verfügbar, {3} MiB Auslagerung, {4}",
  "Stop something else, or add memory: the kernel kills what takes most.":
    "Bitte anderes beenden oder Speicher hinzufügen: Der Kernel beendet, was am meisten braucht.",
  "The embedded ClickHouse needs 1 GiB: raise the limit, or lower engine.limits.memory_bytes.":
    "Das eingebettete ClickHouse braucht 1 GiB: bitte die Grenze anheben oder engine.limits.memory_bytes senken.",
  "a process may have {limit} files and connections open": "ein Prozess darf {1} Dateien und Verbindungen offen haben",
  "Raise the hard limit (ulimit -Hn, LimitNOFILE=, --ulimit nofile=).":
    "Bitte die harte Grenze anheben (ulimit -Hn, LimitNOFILE=, --ulimit nofile=).",
  // journal
  "Look at clickhouse: what waits is stored when it answers. Beyond journal.max_bytes nothing is accepted.":
    "Bitte ClickHouse ansehen: Was wartet, wird gespeichert, sobald es antwortet. Über journal.max_bytes hinaus wird nichts angenommen.",
  "{records} records wait, {percent:.0} % of its bytes are taken": "{1} Einträge warten, {2} % seines Platzes sind belegt",
  "messages are not accepted: {found}": "Nachrichten werden nicht angenommen: {1}",
  "there is no journal yet in {}": "in {1} gibt es noch kein Journal",
  "another process has the journal ({})": "ein anderer Prozess hat das Journal ({1})",
  "Give doctor the flags and the configuration that the service was started with.":
    "doctor bitte mit den Schaltern und der Konfiguration aufrufen, mit denen der Dienst gestartet wurde.",
  "the journal cannot be read: {}": "das Journal lässt sich nicht lesen: {1}",
  "See casement journal verify.": "Siehe casement journal verify.",
  // model
  "the ML service runs elsewhere": "der Dienst der Modelle läuft anderswo",
  "{} cannot be used: {}": "{1} lässt sich nicht gebrauchen: {2}",
  "Promote another version (casement models list), or put the file back. A running service goes on with the last one.":
    "Bitte eine andere Version entscheiden lassen (casement models list) oder die Datei zurücklegen. Ein laufender Dienst bleibt bei der letzten.",
  "the model {found} was trained on other features: {stated}, and {features} are computed":
    "das Modell {1} lernte aus anderen Merkmalen: {2}, und berechnet werden {3}",
  "Train it anew, or set the keys of audio to those of its training.":
    "Bitte neu trainieren, oder die Werte von audio auf die seines Trainings setzen.",
  "the model {found} has no side-car": "das Modell {1} hat keine Beschreibung neben sich",
  "A side-car states its version and on what it was trained: casement train writes one; see docs/models.md.":
    "Sie nennt seine Version und woraus es lernte: casement train schreibt eine; siehe docs/models.md.",
  "the model {found} loads": "das Modell {1} lässt sich laden",
  // numbers
  "Report it with this processor's name (lscpu): windows would move by wrong numbers. Do not use it on this machine.":
    "Bitte mit dem Namen dieses Prozessors melden (lscpu): Fenster bewegten sich nach falschen Zahlen. Auf diesem Rechner bitte nicht benutzen.",
  "the clip cannot be decoded: {error}": "die Aufnahme lässt sich nicht lesen: {1}",
  "the clip's features are not complete": "die Merkmale der Aufnahme sind nicht vollständig",
  "number {index} is {ours}, not {theirs}": "Zahl {1} ist {2}, nicht {3}",
  "a clip has {} numbers": "eine Aufnahme hat {1} Zahlen",
  "a clip's {} numbers are librosa's": "die {1} Zahlen einer Aufnahme sind die von librosa",
  "{} of a clip's {} numbers are wrong: {first}": "{1} von {2} Zahlen einer Aufnahme sind falsch: {3}",
  "the built-in model does not load: {}": "das eingebaute Modell lässt sich nicht laden: {1}",
  "The program's file is damaged: install it again.": "Die Datei des Programms ist beschädigt: bitte neu einrichten.",
  "the built-in model refuses: {error}": "das eingebaute Modell lehnt ab: {1}",
  "at {} °C and {} % the built-in model says {:.3} % ({:.4}), not {:.3} % ({:.4})":
    "bei {1} °C und {2} % sagt das eingebaute Modell {3} % ({4}), nicht {5} % ({6})",
  "the built-in model {} predicts as it should": "das eingebaute Modell {1} sagt vorher, was es soll",
  // page
  "no service answers at {}": "bei {1} antwortet kein Dienst",
  "Start it. If it runs, give doctor the flags and the configuration that it was started with.":
    "Bitte starten. Läuft er schon, doctor mit denselben Schaltern und derselben Konfiguration aufrufen.",
  "a part of the service is down": "ein Teil des Dienstes ist weg",
  "Look at /ready with a token.": "Bitte /ready mit einem Token ansehen.",
  "the service answers and is ready": "der Dienst antwortet und ist bereit",
  "The reason of each part says what to do; see /ready.": "Der Grund jedes Teils sagt, was zu tun ist; siehe /ready.",
  "the service answers, all {} parts are well": "der Dienst antwortet, alle {1} Teile sind gut",
  // place, ports, processor
  "{} cannot be looked at": "{1} lässt sich nicht ansehen",
  "Choose another directory: --data DIR.": "Bitte ein anderes Verzeichnis wählen: --data DIR.",
  "Run as the user of the service, give it the directory, or choose another: --data DIR.":
    "Bitte als Benutzer des Dienstes aufrufen, ihm das Verzeichnis geben oder ein anderes wählen: --data DIR.",
  "the room in {} is not known: {error}": "der Platz in {1} ist nicht bekannt: {2}",
  "Look at its file system.": "Bitte sein Dateisystem ansehen.",
  "can be written": "ist beschreibbar",
  "can be made": "lässt sich anlegen",
  "nothing was looked at": "nichts wurde angesehen",
  "no limit": "keine Grenze",
  "listened at": "wird bedient",
  free: "ist frei",
  "{} addresses, each {found}": "{1} Adressen, jede {2}",
  "{what}: nobody listens at {address} ({error})": "{1}: bei {2} horcht niemand ({3})",
  "{what}: {address} cannot be listened at ({error})": "{1}: an {2} lässt sich nicht horchen ({3})",
  "Stop the other program, or choose another address.": "Bitte das andere Programm beenden oder eine andere Adresse wählen.",
  "the processor is {architecture}": "der Prozessor ist {1}",
  "The embedded ClickHouse is published for x86-64 alone: name one of yours (--clickhouse URL).":
    "Das eingebettete ClickHouse gibt es nur für x86-64: bitte ein eigenes nennen (--clickhouse URL).",
  "the processor is {architecture}-v{level}": "der Prozessor ist {1}-v{2}",
  "The embedded ClickHouse needs SSE 4.2 (x86-64-v2); virtual machines may hide it. Name a ClickHouse of yours: --clickhouse URL.":
    "Das eingebettete ClickHouse braucht SSE 4.2 (x86-64-v2); virtuelle Maschinen verbergen es manchmal. Bitte ein eigenes ClickHouse nennen: --clickhouse URL.",
  // rights
  "the broker runs elsewhere, with accounts of its own": "der Broker läuft anderswo, mit eigenen Konten",
  "the embedded broker has no plain listener on this machine":
    "der eingebettete Broker hat auf diesem Rechner keinen offenen Anschluss",
  "no account can be made: {error}": "es lässt sich kein Konto anlegen: {1}",
  "Look at the permissions of the accounts' directory.": "Bitte die Rechte am Verzeichnis der Konten ansehen.",
  "the check was ended": "die Prüfung wurde beendet",
  "the accounts belong to the user {owner}: run doctor as that user to try what devices may do":
    "die Konten gehören dem Benutzer {1}: doctor bitte als dieser aufrufen, um zu probieren, was Geräte dürfen",
  "a device with a new account cannot connect": "ein Gerät mit einem neuen Konto kann sich nicht verbinden",
  "Look at the part `accounts` of /ready, and at the broker's log.":
    "Bitte den Teil `accounts` in /ready und das Protokoll des Brokers ansehen.",
  "a device can publish as another": "ein Gerät kann im Namen eines anderen veröffentlichen",
  "a device can hear what another is told": "ein Gerät kann hören, was einem anderen gesagt wird",
  "the broker did not answer a message in another device's name":
    "der Broker hat auf eine Nachricht im Namen eines anderen Geräts nicht geantwortet",
  "Run doctor again; look at the broker's log.": "doctor bitte noch einmal aufrufen; das Protokoll des Brokers ansehen.",
  "a device cannot hear its own commands": "ein Gerät kann seine eigenen Befehle nicht hören",
  "Look at mqtt.topics: accounts have rights on the configured topics.":
    "Bitte mqtt.topics ansehen: Konten haben Rechte an den eingestellten Topics.",
  "tried with two accounts: neither publishing as another device nor hearing its commands is possible":
    "mit zwei Konten probiert: Weder im Namen eines anderen zu veröffentlichen noch seine Befehle zu hören ist möglich",
  "Every listener needs accounts (broker.anonymous: never), and mqtt.topics a level for the device.":
    "Jeder Anschluss braucht Konten (broker.anonymous: never), und mqtt.topics eine Ebene für das Gerät.",
  // trial
  "its library is not there": "seine Bibliothek ist nicht da",
  "ClickHouse {version} starts and computes": "ClickHouse {1} startet und rechnet",
  "the embedded ClickHouse does not answer: {reason}": "das eingebettete ClickHouse antwortet nicht: {1}",
  "Fetch its library again; look at processor, memory and kernel_locks; or name a ClickHouse of yours (--clickhouse URL).":
    "Bitte seine Bibliothek neu holen; Prozessor, Arbeitsspeicher und Sperren des Kernels ansehen; oder ein eigenes ClickHouse nennen (--clickhouse URL).",
  "no directory can be made: {error}": "es lässt sich kein Verzeichnis anlegen: {1}",
  "loopback has no free port: {error}": "auf diesem Rechner ist kein Port frei: {1}",
  "it answers {status}, {}": "es antwortet {1}, {2}",
};
