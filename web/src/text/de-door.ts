// What the embedded broker tells of clients that it does not let in or lets go, in German. Keys are the service's own words; its values
// are {1}, {2} and so on.

export const door: Record<string, string> = {
  "client {client_id:?} at {address}: {reason}; {remedy}{before}": "Client {1} bei {2}: {3}; {4}{5}",
  // Too many, too much (crates/broker/src/admission.rs, listener.rs, ending.rs, terms.rs, shared.rs).
  "there are {} connections already": "es gibt schon {1} Verbindungen",
  "connect fewer clients, or raise the limit of open files":
    "bitte weniger Clients verbinden oder die Grenze der offenen Dateien anheben",
  "{waiting} connections from this address have not sent CONNECT":
    "{1} Verbindungen von dieser Adresse haben noch kein CONNECT gesendet",
  "check what opens connections there without speaking MQTT":
    "bitte ansehen, was dort Verbindungen öffnet, ohne MQTT zu sprechen",
  "there are {} connections from this address already": "von dieser Adresse gibt es schon {1} Verbindungen",
  "let clients close their connections before they open new ones, or raise the limit of open files":
    "Clients sollten Verbindungen schließen, ehe sie neue öffnen; oder bitte die Grenze der offenen Dateien anheben",
  "raise the limit of open files (ulimit -n, LimitNOFILE=)":
    "bitte die Grenze der offenen Dateien anheben (ulimit -n, LimitNOFILE=)",
  "there are {} sessions already": "es gibt schon {1} Sitzungen",
  "let clients that do not come back ask for a clean session":
    "Clients, die nicht wiederkommen, sollten eine clean session verlangen",
  "no CONNECT came over {over} within {seconds} s": "über {1} kam in {2} s kein CONNECT",
  "the client has sent faster than it may for a minute": "der Client sendete eine Minute lang schneller, als er darf",
  "let it send less often, or raise broker.limits.packets_per_s and bytes_per_s":
    "er sollte seltener senden; oder bitte broker.limits.packets_per_s und bytes_per_s anheben",
  "packets that have arrived in part take too much memory together": "halb angekommene Pakete brauchen zusammen zu viel Speicher",
  "send smaller messages, or send them faster": "bitte kleinere Nachrichten senden, oder schneller",
  "send smaller messages": "bitte kleinere Nachrichten senden",
  "the last will has more than {most} bytes": "der letzte Wille hat mehr als {1} Bytes",
  "let the will say less": "der Wille sollte weniger sagen",
  "the topic of the last will has more than {most} levels": "das Topic des letzten Willens hat mehr als {1} Ebenen",
  "give the will another topic": "bitte dem Willen ein anderes Topic geben",
  "the client's Maximum Packet Size is smaller than any answer to its greeting":
    "die Maximum Packet Size des Clients ist kleiner als jede Antwort auf seine Begrüßung",
  "raise the client's Maximum Packet Size": "bitte die Maximum Packet Size des Clients anheben",
  "raise the client's Maximum Packet Size, or subscribe to less":
    "bitte die Maximum Packet Size des Clients anheben oder weniger abonnieren",
  "a message is larger than the Maximum Packet Size that this client asks for":
    "eine Nachricht ist größer als die Maximum Packet Size, die dieser Client verlangt",
  "the queue of {client_id:?} is full: its oldest messages are dropped":
    "die Warteschlange von {1} ist voll: Die ältesten Nachrichten werden fallen gelassen",
  "let this client read and acknowledge faster, or subscribe to less":
    "dieser Client sollte schneller lesen und bestätigen oder weniger abonnieren",
  "the message is too large to be retained": "die Nachricht ist zu groß, um aufgehoben zu werden (retained)",
  "send it without the retain flag, or make it smaller": "bitte ohne retain senden oder kleiner machen",
  "there is no room for one more retained message": "für eine weitere aufgehobene Nachricht ist kein Platz",
  "clear retained messages by empty ones on their topics": "bitte aufgehobene Nachrichten durch leere auf ihren Topics löschen",
  "{reason} (topic {topic:?})": "{1} (Topic {2})",
  "messages cannot be stored now: the client sends them again":
    "Nachrichten lassen sich jetzt nicht speichern: Der Client sendet sie noch einmal",
  "see /ready for what is full or broken": "/ready sagt, was voll oder kaputt ist",
  // How a connection ends.
  "the client's MQTT library breaks the protocol: update or replace it":
    "die MQTT-Bibliothek des Clients hält sich nicht an das Protokoll: bitte erneuern oder ersetzen",
  "the client sent {what}": "der Client sendete {1}",
  "nothing was heard for one and a half keep-alive intervals": "anderthalb Keep-Alive-Abstände lang war nichts zu hören",
  "check the client's network, or let it ping more often": "bitte das Netz des Clients prüfen, oder ihn öfter pingen lassen",
  "the client does not read what it is sent": "der Client liest nicht, was ihm gesendet wird",
  "let the client read, or subscribe to less": "der Client sollte lesen oder weniger abonnieren",
  "another client has connected with this id": "ein anderer Client hat sich mit dieser Kennung verbunden",
  "the account was changed: connect again": "das Konto wurde geändert: bitte neu verbinden",
  "a client at {address} has connected with the same id": "ein Client bei {1} hat sich mit derselben Kennung verbunden",
  "give each client an id of its own, unless this one came back":
    "bitte jedem Client eine eigene Kennung geben, wenn es nicht derselbe war, der wiederkam",
  "the account of this client was changed, and its connection is ended":
    "das Konto dieses Clients wurde geändert, und seine Verbindung ist beendet",
  "nothing to do: what may still enter connects again": "nichts zu tun: Wer noch herein darf, verbindet sich neu",
  "clients at {one} and {other} take this session (account {whose:?}) from each other, {count} times within a minute":
    "Clients bei {1} und {2} nehmen einander diese Sitzung weg (Konto {3}), {4} Mal in einer Minute",
  "give each device an account and a client id of its own": "bitte jedem Gerät ein eigenes Konto und eine eigene Kennung geben",
  "DISCONNECT prolongs a session that was to end with its connection":
    "DISCONNECT verlängert eine Sitzung, die mit der Verbindung enden sollte",
  "more than {maximum} messages without an acknowledgement": "mehr als {1} Nachrichten ohne Bestätigung",
  "respect the Receive Maximum of CONNACK": "bitte das Receive Maximum aus CONNACK beachten",
  "a topic alias is above the maximum that CONNACK names": "ein Topic Alias liegt über dem Höchsten, das CONNACK nennt",
  // Topics and subscriptions.
  "a message cannot be published to {topic:?}: {text}": "auf {1} lässt sich nichts veröffentlichen: {2}",
  "publish to a topic without wildcards": "bitte auf ein Topic ohne Platzhalter veröffentlichen",
  "it has more than {levels} levels": "es hat mehr als {1} Ebenen",
  "a message to {topic:?} is not taken: {reason}": "eine Nachricht auf {1} wird nicht angenommen: {2}",
  "a message to {topic:?} is not taken: topics that begin with $ belong to the broker":
    "eine Nachricht auf {1} wird nicht angenommen: Topics, die mit $ beginnen, gehören dem Broker",
  "publish to a topic that does not begin with $": "bitte auf ein Topic veröffentlichen, das nicht mit $ beginnt",
  "the topic is empty": "das Topic ist leer",
  "the topic contains a wildcard (+ or #), which only subscriptions may":
    "das Topic enthält einen Platzhalter (+ oder #), den nur Abonnements haben dürfen",
  "the topic contains a NUL character": "das Topic enthält ein Nullzeichen",
  "the topic has more than 128 levels": "das Topic hat mehr als 128 Ebenen",
  "its response topic is empty, or contains a wildcard or a NUL character":
    "sein Response Topic ist leer oder enthält einen Platzhalter oder ein Nullzeichen",
  "the subscription to {filter:?} is refused: {reason}": "das Abonnement von {1} wird abgelehnt: {2}",
  "it is malformed": "es ist falsch geschrieben",
  "see the rules for + and # in topic filters": "siehe die Regeln für + und # in Filtern",
  "it has too many levels": "es hat zu viele Ebenen",
  "use fewer levels": "bitte weniger Ebenen benutzen",
  "a shared subscription asks for No Local": "ein geteiltes Abonnement verlangt No Local",
  "the client has too many": "der Client hat zu viele",
  "use wildcards in fewer subscriptions": "bitte Platzhalter in weniger Abonnements benutzen",
  // The greeting.
  "the client has no certificate, and this address asks for one":
    "der Client hat kein Zertifikat, und diese Adresse verlangt eines",
  "connect with a certificate: casement provision tls --client ID":
    "bitte mit einem Zertifikat verbinden: casement provision tls --client ID",
  "the account was not looked up in time": "das Konto wurde nicht rechtzeitig nachgesehen",
  "the will cannot be published to {topic:?}: {reason}": "der Wille lässt sich auf {1} nicht veröffentlichen: {2}",
  "CONNECT is larger than the broker accepts": "CONNECT ist größer, als der Broker annimmt",
  "send a smaller will": "bitte einen kleineren Willen senden",
  "CONNECT is too short": "CONNECT ist zu kurz",
  "CONNECT names a protocol that is not MQTT": "CONNECT nennt ein Protokoll, das nicht MQTT ist",
  "check that the client speaks MQTT": "bitte prüfen, ob der Client MQTT spricht",
  "MQTT protocol level {level} is not supported": "die MQTT-Stufe {1} wird nicht unterstützt",
  "use MQTT 3.1.1 or 5 in the client": "bitte im Client MQTT 3.1.1 oder 5 benutzen",
  "a bridge offers its private protocol level 0x{level:02x}, and is told to use the standard one":
    "eine Brücke bietet ihre eigene Stufe 0x{1} an und soll die übliche benutzen",
  "nothing to do where the bridge connects at its next try; try_private false spares the attempt":
    "nichts zu tun, wenn die Brücke sich beim nächsten Versuch verbindet; try_private false spart diesen",
  "CONNECT ends early": "CONNECT endet zu früh",
  "the client asks for an authentication method, and there is none":
    "der Client verlangt eine Authentication Method, und es gibt keine",
  "connect without an authentication method": "bitte ohne Authentication Method verbinden",
  "the client has no id and asks for a session that lasts": "der Client hat keine Kennung und verlangt eine Sitzung, die bleibt",
  "give the client an id, or let it ask for a clean session":
    "bitte dem Client eine Kennung geben, oder eine clean session verlangen",
  "the client id has more than 1,024 bytes": "die Kennung des Clients hat mehr als 1024 Bytes",
  "choose a shorter client id": "bitte eine kürzere Kennung wählen",
  "the client id contains a NUL character": "die Kennung des Clients enthält ein Nullzeichen",
  "send the client id without its terminating NUL": "bitte die Kennung ohne das Nullzeichen am Ende senden",
  "the user name contains a NUL character": "der Benutzername enthält ein Nullzeichen",
  "send the user name without its terminating NUL": "bitte den Benutzernamen ohne das Nullzeichen am Ende senden",
  "give the will a topic without wildcards": "bitte dem Willen ein Topic ohne Platzhalter geben",
  "topics that begin with $ belong to the broker": "Topics, die mit $ beginnen, gehören dem Broker",
  "user name or password is wrong": "Benutzername oder Passwort ist falsch",
  "not authorized": "nicht erlaubt",
  "too many attempts: wait": "zu viele Versuche: bitte warten",
  "busy: try again": "beschäftigt: bitte noch einmal versuchen",
  // Packets.
  "a client's PUBLISH has a subscription identifier": "das PUBLISH eines Clients hat einen Subscription Identifier",
  "a PUBLISH has neither a topic nor an alias": "ein PUBLISH hat weder Topic noch Alias",
  "a topic alias stands for no topic": "ein Topic Alias steht für kein Topic",
  "a message has QoS 3, which does not exist": "eine Nachricht hat QoS 3, das es nicht gibt",
  "a packet has the id 0": "ein Paket hat die Kennung 0",
  "the will has QoS 3, which does not exist": "der Wille hat QoS 3, das es nicht gibt",
  "a property stands twice": "eine Property steht zweimal da",
  "a topic alias is 0": "ein Topic Alias ist 0",
  "a subscription identifier is 0": "ein Subscription Identifier ist 0",
  "the Receive Maximum is 0": "das Receive Maximum ist 0",
  "the Maximum Packet Size is 0": "die Maximum Packet Size ist 0",
  "a property that is 0 or 1 is neither": "eine Property, die 0 oder 1 sein muss, ist keines von beiden",
  "a packet ends early": "ein Paket endet zu früh",
  "a second CONNECT": "ein zweites CONNECT",
  "a packet that only servers send": "ein Paket, das nur Server senden",
  "AUTH without an exchange": "AUTH ohne einen Austausch",
  "a text is not UTF-8": "ein Text ist kein UTF-8",
  "a packet's parts exceed its length": "die Teile eines Pakets sind länger als es selbst",
  "a packet's type or flags do not exist": "Art oder Flags eines Pakets gibt es nicht",
  "a subscription without a topic filter": "ein Abonnement ohne Filter",
  "a topic is empty": "ein Topic ist leer",
  "CONNECT has flags that do not go together": "CONNECT hat Flags, die nicht zusammenpassen",
  "CONNECT names no version of MQTT": "CONNECT nennt keine Version von MQTT",
  "CONNECT has no client id": "CONNECT hat keine Kennung",
  "a packet is too large": "ein Paket ist zu groß",
  "a packet is malformed": "ein Paket ist falsch gebaut",
  "a packet is larger than the broker accepts": "ein Paket ist größer, als der Broker annimmt",
  "a message has more than 64 KiB of properties": "eine Nachricht hat mehr als 64 KiB Properties",
  "a length has more than four bytes": "eine Länge hat mehr als vier Bytes",
  // Other protocols.
  "a client speaks TLS, and this port speaks plain MQTT": "ein Client spricht TLS, und dieser Anschluss spricht offenes MQTT",
  "connect to the port for TLS, or switch TLS off in the client (mqtt:// in place of mqtts://)":
    "bitte den Anschluss für TLS nehmen, oder TLS im Client abschalten (mqtt:// statt mqtts://)",
  "a client speaks HTTP (or WebSocket), and this port speaks plain MQTT":
    "ein Client spricht HTTP (oder WebSocket), und dieser Anschluss spricht offenes MQTT",
  "use the page's address for HTTP, and mqtt:// in place of ws:// in MQTT clients":
    "bitte für HTTP die Adresse der Seite nehmen, und in MQTT-Clients mqtt:// statt ws://",
  "the first packet is no CONNECT (its first byte is 0x{byte:02x})":
    "das erste Paket ist kein CONNECT (sein erstes Byte ist 0x{1})",
  "check that the client speaks MQTT and greets first": "bitte prüfen, ob der Client MQTT spricht und zuerst grüßt",
  "a client speaks neither MQTT nor a protocol that is known here":
    "ein Client spricht weder MQTT noch ein hier bekanntes Protokoll",
  "check the client's port and protocol": "bitte Anschluss und Protokoll des Clients prüfen",
  "a client speaks plain MQTT, and this port speaks MQTT over WebSocket":
    "ein Client spricht offenes MQTT, und dieser Anschluss spricht MQTT über WebSocket",
  "use ws:// in the client, or the port for MQTT over TCP":
    "bitte ws:// im Client benutzen, oder den Anschluss für MQTT über TCP",
  "a client speaks TLS, and this port speaks plain WebSocket":
    "ein Client spricht TLS, und dieser Anschluss spricht offenes WebSocket",
  "use ws:// in place of wss://, or the port for WebSocket in TLS":
    "bitte ws:// statt wss:// benutzen, oder den Anschluss für WebSocket in TLS",
  "the WebSocket handshake failed: {error}": "WebSocket kam nicht zustande: {1}",
  "check that the client speaks MQTT over WebSocket on this port":
    "bitte prüfen, ob der Client an diesem Anschluss MQTT über WebSocket spricht",
  "a page of another site asked for a connection": "eine fremde Seite wollte eine Verbindung",
  "open the page from this host, or use a client that is no browser":
    "bitte die Seite von diesem Rechner öffnen, oder einen Client, der kein Browser ist",
  "the client does not offer the WebSocket protocol mqtt": "der Client bietet das WebSocket-Protokoll mqtt nicht an",
  "set the client's WebSocket protocol to mqtt": "bitte im Client das WebSocket-Protokoll mqtt wählen",
  // TLS (crates/tls/src/handshake.rs).
  "a client speaks plain MQTT, and this port speaks TLS": "ein Client spricht offenes MQTT, und dieser Anschluss spricht TLS",
  "switch TLS on in the client (mqtts:// in place of mqtt://), or use the plain port":
    "bitte TLS im Client einschalten (mqtts:// statt mqtt://), oder den offenen Anschluss benutzen",
  "a client speaks plain HTTP, and this port speaks TLS": "ein Client spricht offenes HTTP, und dieser Anschluss spricht TLS",
  "write https:// in place of http:// (wss:// in place of ws://)": "bitte https:// statt http:// schreiben (wss:// statt ws://)",
  "a client speaks something that is not TLS, and this port speaks TLS":
    "ein Client spricht etwas, das nicht TLS ist, und dieser Anschluss spricht TLS",
  "a client left during the TLS handshake": "ein Client ging, während TLS ausgehandelt wurde",
  "give the client ca.pem as the authority to trust, and connect to a name or an address in the certificate":
    "bitte dem Client ca.pem als Zertifizierungsstelle geben, und mit einem Namen oder einer Adresse aus dem Zertifikat verbinden",
  "the client does not trust the authority of this server's certificate":
    "der Client vertraut der Zertifizierungsstelle dieses Servers nicht",
  "to the client, this server's certificate has expired, or is not valid yet":
    "für den Client ist das Zertifikat dieses Servers abgelaufen oder noch nicht gültig",
  "set the client's clock, or renew the certificate": "bitte die Uhr des Clients stellen, oder das Zertifikat erneuern",
  "the client does not accept this server's certificate": "der Client nimmt das Zertifikat dieses Servers nicht an",
  "the client ended the TLS handshake with the alert {alert:?}": "der Client beendete das Aushandeln von TLS mit der Meldung {1}",
  "the client offers no TLS that is accepted here, which is 1.2 or 1.3 ({why:?})":
    "der Client bietet kein TLS an, das hier gilt, also 1.2 oder 1.3 ({1})",
  "update the client's TLS library, or enable TLS 1.2 with ECDHE and AES-GCM or ChaCha20 in it":
    "bitte die TLS-Bibliothek des Clients erneuern, oder darin TLS 1.2 mit ECDHE und AES-GCM oder ChaCha20 einschalten",
  "what a client sends looks like TLS and is not": "was ein Client sendet, sieht aus wie TLS und ist keines",
  "the TLS handshake failed: {other}": "TLS kam nicht zustande: {1}",
  "check the client's TLS settings": "bitte die TLS-Einstellungen des Clients prüfen",
  "make the client a new certificate: casement provision tls --client ID":
    "bitte dem Client ein neues Zertifikat machen: casement provision tls --client ID",
  "the client's certificate is of another authority": "das Zertifikat des Clients ist von einer anderen Zertifizierungsstelle",
  "the client's certificate is not accepted: {other:?}": "das Zertifikat des Clients wird nicht angenommen: {1}",
  "the client's certificate has expired": "das Zertifikat des Clients ist abgelaufen",
  "the client's certificate is not valid yet": "das Zertifikat des Clients gilt noch nicht",
  "set this host's clock, or make the client a new certificate":
    "bitte die Uhr dieses Rechners stellen, oder dem Client ein neues Zertifikat machen",
  // Accounts at the door (crates/casement/src/doorkeeper.rs).
  "the client names no user": "der Client nennt keinen Benutzer",
  "give it the user name and the password that `casement devices add` prints":
    "bitte Benutzername und Passwort eintragen, die `casement devices add` ausgibt",
  "its connection to the broker was lost": "seine Verbindung zum Broker ging verloren",
  "its connection to the broker was ended; see the log and iot.ingest_errors":
    "seine Verbindung zum Broker wurde beendet; siehe das Protokoll und iot.ingest_errors",
  "the certificate is {name:?}'s, and the client names the user {other:?}":
    "das Zertifikat gehört {1}, und der Client nennt den Benutzer {2}",
  "let it name no user, or use the certificate of that user": "er sollte keinen Benutzer nennen, oder dessen Zertifikat benutzen",
  "as client {client_id:?}": "als Client {1}",
  "no account {name:?} has this password": "kein Konto {1} hat dieses Passwort",
  "check user name and password; `casement devices rotate ID` makes a new one":
    "bitte Benutzername und Passwort prüfen; `casement devices rotate ID` macht ein neues",
  "the certificate of {name:?} is older than the account's secrets":
    "das Zertifikat von {1} ist älter als die Geheimnisse des Kontos",
  "make another by `casement provision tls --client ID`": "ein neues macht `casement provision tls --client ID`",
  "the client names the user {name:?} without a password": "der Client nennt den Benutzer {1} ohne ein Passwort",
  "give it the password that `casement devices add` prints": "bitte das Passwort eintragen, das `casement devices add` ausgibt",
  "the account {name:?} is retired": "das Konto {1} ist außer Betrieb",
  "let it in again by `casement devices approve ID`": "wieder herein kommt es mit `casement devices approve ID`",
  "{name:?} was wrong too often, and waits for {} s": "{1} war zu oft falsch und wartet {2} s",
  "check user name and password in the client": "bitte Benutzername und Passwort im Client prüfen",
  "too many passwords wait to be compared": "zu viele Passwörter warten auf den Vergleich",
  "nothing to do: the client tries again": "nichts zu tun: Der Client versucht es noch einmal",
  "there is no account {name:?}, and the door is closed": "ein Konto {1} gibt es nicht, und die Tür ist zu",
  "make an account by `casement devices add ID`, or open the door by `casement devices pair`":
    "ein Konto macht `casement devices add ID`, die Tür öffnet `casement devices pair`",
  "the device {name:?} cannot be paired: {why}": "das Gerät {1} kann nicht dazukommen: {2}",
  "see `casement devices pair`": "siehe `casement devices pair`",
  "the account has no right to it": "das Konto hat kein Recht darauf",
  "use the account's own topics, or an account with another role":
    "bitte die eigenen Topics des Kontos benutzen, oder ein Konto mit anderer Rolle",
  "the device waits to be approved": "das Gerät wartet darauf, zugelassen zu werden",
  "approve it by `casement devices approve ID`": "zugelassen wird es mit `casement devices approve ID`",
};
