// Why a model is refused, or a training failed, in German. Keys are the service's own words; its values are {1}, {2} and so on.

export const models: Record<string, string> = {
  // The desk and the workshop (crates/api/src/routes/models, training).
  "the models are where `casement ml` runs, and not in this process: use `casement models` there":
    "die Modelle sind dort, wo `casement ml` läuft, nicht in diesem Prozess: bitte dort `casement models` benutzen",
  "others work on the models": "andere arbeiten gerade an den Modellen",
  "is missing, and the file does not name one": "fehlt, und die Datei nennt keine",
  "the models' folder cannot be used; the log says why":
    "der Ordner der Modelle lässt sich nicht benutzen; das Protokoll sagt, warum",
  "version '{version}' is not the candidate": "Version '{1}' ist nicht die im Schatten",
  "is more than 400 days before the end": "liegt mehr als 400 Tage vor dem Ende",
  "is the same version as a": "ist dieselbe Version wie a",
  "the body has to be the file itself: Content-Type: application/octet-stream":
    "gesendet werden muss die Datei selbst: Content-Type: application/octet-stream",
  "the file took more than a minute": "die Datei brauchte länger als eine Minute",
  "the file is cut, or has more than {MOST_BYTES} bytes": "die Datei ist abgeschnitten oder hat mehr als {1} Bytes",
  "is empty; it has to be the file": "ist leer; es muss die Datei sein",
  "there are {MOST_VERSIONS} versions; remove one first": "es gibt {1} Versionen; bitte zuerst eine entfernen",
  "the file cannot be written; the log says why": "die Datei lässt sich nicht schreiben; das Protokoll sagt, warum",
  "is for simulated rooms alone": "ist nur für simulierte Räume",
  "this process cannot train": "dieser Prozess kann nicht trainieren",
  "another training goes on; wait for it, or cancel it": "ein anderes Training läuft; bitte warten oder es abbrechen",
  "there is a version '{version}'; choose another name": "eine Version '{1}' gibt es schon; bitte einen anderen Namen wählen",
  "no training goes on that can be cancelled": "kein Training läuft, das sich abbrechen ließe",
  "it took more than two hours; choose fewer examples or passes":
    "es dauerte mehr als zwei Stunden; bitte weniger Beispiele oder Durchgänge wählen",
  "the version cannot be added; the log says why": "die Version lässt sich nicht hinzufügen; das Protokoll sagt, warum",
  "it ended with a fault of its own; the log says which": "es endete mit einem eigenen Fehler; das Protokoll sagt, welchem",
  "meanwhile there are {MOST_VERSIONS} versions; remove one first":
    "inzwischen gibt es {1} Versionen; bitte zuerst eine entfernen",
  "the model cannot be written: {error}": "das Modell lässt sich nicht schreiben: {1}",
  "meanwhile another file has the version '{version}'": "inzwischen hat eine andere Datei die Version '{1}'",
  // Examples, and learning from them (crates/training/src, crates/casement/src/examples.rs, trainer).
  "cannot use the file {path}": "die Datei {1} lässt sich nicht benutzen",
  "line {line} is not an example: {reason}": "Zeile {1} ist kein Beispiel: {2}",
  "example {number} ({device_id}): {reason}": "Beispiel {1} ({2}): {3}",
  "too few examples: {found}, at least {needed} are needed": "zu wenige Beispiele: {1}, gebraucht werden wenigstens {2}",
  "every example has the same position, {position}: there is nothing to learn":
    "jedes Beispiel hat dieselbe Stellung, {1}: Es gibt nichts zu lernen",
  "the examples of {devices} devices cannot be split: the {part} part would be empty":
    "die Beispiele von {1} Geräten lassen sich nicht aufteilen: Der Teil {2} wäre leer",
  "the training diverged in epoch {epoch}; a smaller learning rate may help":
    "das Training lief im Durchgang {1} auseinander; vielleicht hilft eine kleinere Lernrate",
  "the model that was written does not load": "das geschriebene Modell lässt sich nicht laden",
  "the model cannot read an example": "das Modell kann ein Beispiel nicht lesen",
  "cannot draw {path}: {reason}": "{1} lässt sich nicht zeichnen: {2}",
  "{name} is {value}, possible are {low} to {high}": "{1} ist {2}, möglich ist {3} bis {4}",
  "audio has {} numbers, a clip has {MODEL_AUDIO_INPUTS}": "der Ton hat {1} Zahlen, eine Aufnahme hat {2}",
  "audio number {index} is not finite": "Zahl {1} des Tons ist nicht endlich",
  "it needs more than {} MiB of memory, which is what this machine can spare; choose fewer examples":
    "es braucht mehr als {1} MiB Speicher, und mehr hat dieser Rechner nicht übrig; bitte weniger Beispiele wählen",
  "the order cannot be read": "der Auftrag ist nicht zu lesen",
  "the order cannot be understood": "der Auftrag ist nicht zu verstehen",
  "the training ended with a fault of its own": "das Training endete mit einem eigenen Fehler",
  "the simulation ended with a fault of its own": "die Simulation endete mit einem eigenen Fehler",
  "positions that people and schedules chose since {since}, from ClickHouse":
    "Stellungen, die Menschen und Zeitpläne seit {1} wählten, aus ClickHouse",
  "the process that trains does not start": "der Prozess, der trainiert, startet nicht",
  "the process that trains takes no order": "der Prozess, der trainiert, nimmt keinen Auftrag an",
  "the process that trains cannot be heard": "der Prozess, der trainiert, ist nicht zu hören",
  "the process that trains says something else": "der Prozess, der trainiert, sagt etwas anderes",
  "the model is told in another form": "das Modell kommt in anderer Form",
  "the process that trains is lost": "der Prozess, der trainiert, ist verloren",
  "the process that trains ended before its end ({status}){}": "der Prozess, der trainiert, endete vorzeitig ({1}){2}",
  "{} simulated rooms of {} days each (seed {}), labelled by the comfort policy of the simulator":
    "{1} simulierte Räume mit je {2} Tagen (Startwert {3}), gekennzeichnet von der Komfortregel des Simulators",
  "positions that people, schedules or a policy chose, from ClickHouse":
    "Stellungen, die Menschen, Zeitpläne oder eine Regel wählten, aus ClickHouse",
  "positions that windows reported, from ClickHouse": "Stellungen, die Fenster meldeten, aus ClickHouse",
  "the file {}": "die Datei {1}",
  "there are no examples from ClickHouse at {}": "es gibt keine Beispiele aus ClickHouse bei {1}",
  "ClickHouse holds no position that a person or a policy chose (commands without a model, windows moved by hand)":
    "ClickHouse hat keine Stellung, die ein Mensch oder eine Regel wählte (Befehle ohne Modell, von Hand bewegte Fenster)",
  "ClickHouse holds no position that a window reported after a model's decision":
    "ClickHouse hat keine Stellung, die ein Fenster nach der Entscheidung eines Modells meldete",
  // The file of a model (crates/model/src).
  "three ways in: the documented layout (training/train_in_pytorch.py makes it); a whole module of torch's own layers in that layout (torch.save(model, PATH)); or ONNX, for any model (training/export_onnx.py)":
    "drei Wege: der beschriebene Aufbau (training/train_in_pytorch.py macht ihn); ein ganzes Modul aus Schichten von torch in diesem Aufbau (torch.save(model, PATH)); oder ONNX, für jedes Modell (training/export_onnx.py)",
  "cannot read the model {path}": "das Modell {1} ist nicht zu lesen",
  "the model file changed while it was read; write it beside and rename it":
    "die Datei änderte sich beim Lesen; bitte daneben schreiben und umbenennen",
  "the model has {bytes} bytes, and the limit is {limit}; a model of this kind needs far fewer":
    "das Modell hat {1} Bytes, die Grenze ist {2}; ein Modell dieser Art braucht viel weniger",
  "this is {found}, not a .pth file: save it with torch.save(model.state_dict(), PATH)":
    "das ist {1}, keine .pth-Datei: bitte mit torch.save(model.state_dict(), PATH) speichern",
  "this is TorchScript (torch.jit.save); make an .onnx file of it with training/export_onnx.py, or save the weights: torch.save(model.state_dict(), PATH)":
    "das ist TorchScript (torch.jit.save); bitte mit training/export_onnx.py eine .onnx-Datei machen, oder die Gewichte speichern: torch.save(model.state_dict(), PATH)",
  "the .pth container is damaged: {0}": "die .pth-Datei ist beschädigt: {1}",
  "the pickle has more than {limit} bytes, which are enough for 150 layers; save the weights alone (torch.save(model.state_dict(), PATH)), or make an .onnx file with training/export_onnx.py":
    "der Pickle hat mehr als {1} Bytes, die für 150 Schichten genügen; bitte nur die Gewichte speichern (torch.save(model.state_dict(), PATH)), oder mit training/export_onnx.py eine .onnx-Datei machen",
  "the pickle refers to {0}, which no model needs: the file is hostile, do not open it with torch.load either{own}":
    "der Pickle nennt {1}, was kein Modell braucht: Die Datei ist feindlich, bitte auch nicht mit torch.load öffnen{2}",
  "; or, if it is your own, its class keeps a function such as torch.tanh as an attribute: use torch.nn.Tanh()":
    "; oder, wenn es Ihre eigene ist, ihre Klasse hat eine Funktion wie torch.tanh als Attribut: bitte torch.nn.Tanh() benutzen",
  "the .pth file cannot be read: {0}": "die .pth-Datei ist nicht zu lesen: {1}",
  "the bytes of tensor '{tensor}' cannot be read": "die Bytes des Tensors '{1}' sind nicht zu lesen",
  "the file has no tensor 'feature_mean'; it holds {found}, and how they are computed is not in the file; {WAYS}":
    "die Datei hat keinen Tensor 'feature_mean'; sie enthält {1}, und wie damit gerechnet wird, steht nicht in ihr; {2}",
  "the file is a whole module of the class {class} without a tensor 'feature_mean'; it holds {found}; {WAYS}":
    "die Datei ist ein ganzes Modul der Klasse {1} ohne einen Tensor 'feature_mean'; sie enthält {2}; {3}",
  "the file states {class}{}, a class of its author's own, whose forward is not in the file; {WAYS}":
    "die Datei nennt {1}{2}, eine eigene Klasse, deren forward nicht in der Datei steht; {3}",
  "the file states {layer} at `{place}`, which Casement does not compute; {WAYS}":
    "die Datei nennt {1} bei `{2}`, was Casement nicht rechnet; {3}",
  "what `{place}` computes cannot be known: {reason}; {WAYS}": "was `{1}` rechnet, lässt sich nicht wissen: {2}; {3}",
  "the file holds several models: {0}; save only one of them":
    "die Datei enthält mehrere Modelle: {1}; bitte nur eines speichern",
  "tensor '{tensor}' is missing, expected with shape {expected}": "der Tensor '{1}' fehlt, erwartet in der Form {2}",
  "unexpected entry '{entry}' ({kind}); expected only feature_mean, feature_std, backbone.0.*, backbone.2.*, …, mean_head.*, logvar_head.*":
    "unerwarteter Eintrag '{1}' ({2}); erwartet sind nur feature_mean, feature_std, backbone.0.*, backbone.2.*, …, mean_head.*, logvar_head.*",
  "tensor '{tensor}' has shape {found:?}, expected {expected}": "der Tensor '{1}' hat die Form {2}, erwartet ist {3}",
  "tensor '{tensor}' is {found}, expected float32 or float64: save model.float()":
    "der Tensor '{1}' ist {2}, erwartet ist float32 oder float64: bitte model.float() speichern",
  "tensor '{tensor}' has {value} at index {index}, expected finite numbers":
    "der Tensor '{1}' hat {2} an Stelle {3}, erwartet sind endliche Zahlen",
  "tensor 'feature_std' has {value} at index {index}, expected more than 0":
    "der Tensor 'feature_std' hat {1} an Stelle {2}, erwartet ist mehr als 0",
  "model.device is cuda, but a .pth model runs on the CPU: set model.device: cpu, or make an .onnx file with training/export_onnx.py and name it in model.path (cuda is for .onnx models)":
    "model.device ist cuda, aber ein .pth-Modell läuft auf der CPU: bitte model.device: cpu setzen, oder mit training/export_onnx.py eine .onnx-Datei machen und in model.path nennen (cuda ist für .onnx-Modelle)",
  "row {row} has {found} numbers, the model reads {expected}": "Zeile {1} hat {2} Zahlen, das Modell liest {3}",
  "row {row}: number {index} is {value}, not a finite 32-bit number":
    "Zeile {1}: Zahl {2} ist {3}, keine endliche Zahl von 32 Bit",
  "the model does not compute: {0}": "das Modell rechnet nicht: {1}",
  "row {row} is too far from anything the model knows: the result is not finite":
    "Zeile {1} liegt zu weit von allem, was das Modell kennt: Das Ergebnis ist nicht endlich",
  "cannot read the model's side-car {path}": "die Begleitdatei {1} des Modells ist nicht zu lesen",
  "the model's side-car {path} is not as expected": "die Begleitdatei {1} des Modells ist nicht wie erwartet",
  "the model's side-car {path} was written by {} (format {found}), and this is Casement {}, which knows format {FORMAT}; nothing was changed: use the newer version, or add the model again with this one":
    "die Begleitdatei {1} des Modells schrieb {2} (Format {3}), und dies ist Casement {4}, das Format {5} kennt; nichts wurde geändert: bitte die neuere Version benutzen oder das Modell mit dieser neu hinzufügen",
  "a newer Casement": "ein neueres Casement",
  "the model's side-car is for another file: it names SHA-256 {expected}, the model has {found}":
    "die Begleitdatei gehört zu einer anderen Datei: Sie nennt SHA-256 {1}, das Modell hat {2}",
  "{0} examples say too little about a model's confidence; at least {FEWEST} are needed":
    "{1} Beispiele sagen zu wenig über die Sicherheit eines Modells; gebraucht werden wenigstens {2}",
  "'{0}' is no device, expected cpu, cuda or cuda:N": "'{1}' ist kein Rechenwerk, erwartet ist cpu, cuda oder cuda:N",
  "'{0}' is no output scale, expected 0-1 or 0-100": "'{1}' ist kein Bereich der Ausgabe, erwartet ist 0-1 oder 0-100",
  // Its JSON, and what it is made of.
  "it is empty": "es ist leer",
  "it ends in line {line} before it is complete": "es endet in Zeile {1}, ehe es vollständig ist",
  "line {line}, column {column}: {}": "Zeile {1}, Spalte {2}: {3}",
  "a key in double quotes is expected": "erwartet wird ein Name in doppelten Anführungszeichen",
  "a comma stands before the closing bracket": "vor der schließenden Klammer steht ein Komma",
  "brackets are nested too deep": "die Klammern sind zu tief geschachtelt",
  "a truth value": "ein Wahrheitswert",
  "no value that JSON knows": "kein Wert, den JSON kennt",
  "more follows after the JSON": "nach dem JSON folgt noch etwas",
  "a colon is missing after the key": "nach dem Namen fehlt ein Doppelpunkt",
  "a comma or a closing bracket is missing": "es fehlt ein Komma oder eine schließende Klammer",
  "no number as JSON has them": "keine Zahl, wie JSON sie hat",
  "the number is too large": "die Zahl ist zu groß",
  "{} stands where {} belongs": "{1} steht, wo {2} hingehört",
  "its running_var is {} at index {index}": "seine running_var ist {1} an Stelle {2}",
  "the outermost module": "das äußerste Modul",
  "it is a {name}, which states neither the normalisation nor what its outputs are":
    "es ist ein {1}, das weder die Normierung noch seine Ausgaben nennt",
  "where this {} stands in the class's forward is not in the file; a layer belongs into backbone":
    "wo {1} im forward der Klasse steht, steht nicht in der Datei; eine Schicht gehört in backbone",
  "it has forward hooks (as weight_norm and spectral_norm add them), whose code is not in the file":
    "es hat Einschübe in forward (wie weight_norm und spectral_norm sie machen), deren Code nicht in der Datei steht",
  "its forward was replaced by another function": "sein forward wurde durch eine andere Funktion ersetzt",
  "it is no module": "es ist kein Modul",
  "it has {width} outputs instead of one": "es hat {1} Ausgaben statt einer",
  "it ends with {last}, and Casement applies the sigmoid itself: leave it out of the head":
    "es endet mit {1}, und die Sigmoidfunktion rechnet Casement selbst: bitte im Kopf weglassen",
  "the module has more than {MAX_LAYERS} layers, or more than {MAX_DEPTH} within each other":
    "das Modul hat mehr als {1} Schichten, oder mehr als {2} ineinander",
  "this {class} keeps no running statistics, so that an answer depends on the other rows of its batch":
    "{1} merkt sich keine laufenden Mittel, sodass eine Antwort von den anderen Zeilen abhängt",
  "it normalises over another shape than the row's {width} numbers":
    "es normiert über eine andere Form als die {1} Zahlen der Zeile",
  "its attribute approximate is neither 'none' nor 'tanh'": "sein Attribut approximate ist weder 'none' noch 'tanh'",
  "its attribute {name} is no finite number": "sein Attribut {1} ist keine endliche Zahl",
  "it has several layers, and a state dict names no activation":
    "es hat mehrere Schichten, und ein state dict nennt keine Aktivierung",
  "neither what this part is nor where it stands in the class's forward is in a state dict":
    "weder was dieser Teil ist noch wo er im forward der Klasse steht, steht in einem state dict",
  "its name does not say in which order the layers are computed":
    "sein Name sagt nicht, in welcher Reihenfolge die Schichten kommen",
  "{gap} numbers are missing before it": "davor fehlen {1} Nummern",
  "its name is none of a Sequential: how its parts are computed is not in a state dict":
    "sein Name gehört zu keinem Sequential: Wie seine Teile gerechnet werden, steht nicht in einem state dict",
  "a single row of weights may be PReLU, RMSNorm, or LayerNorm without a bias":
    "eine einzelne Reihe von Gewichten kann PReLU, RMSNorm oder LayerNorm ohne Bias sein",
  "its weights have more than two dimensions, as those of a convolution":
    "seine Gewichte haben mehr als zwei Dimensionen, wie die einer Faltung",
  "no ReLU stands between it and the next Linear, as it does in the documented layout":
    "zwischen ihm und dem nächsten Linear steht kein ReLU wie im beschriebenen Aufbau",
  "ReLU and Dropout after it may stand on either side of the normalisation, and a state dict does not say which is which":
    "ReLU und Dropout danach können vor oder hinter der Normierung stehen, und ein state dict sagt nicht, wo",
  "a layer without weights stands before the first Linear, and a state dict does not say which":
    "vor dem ersten Linear steht eine Schicht ohne Gewichte, und ein state dict sagt nicht, welche",
  // ONNX.
  "ONNX Runtime is not found (looked for {searched}): install it with `pip install onnxruntime`, in an environment of its own where pip asks for one (python3 -m venv DIR), and name that environment or its library in model.onnx_runtime or in ORT_DYLIB_PATH":
    "ONNX Runtime ist nicht zu finden (gesucht: {1}): bitte mit `pip install onnxruntime` installieren, wo pip es verlangt in einer eigenen Umgebung (python3 -m venv DIR), und diese oder ihre Bibliothek in model.onnx_runtime oder ORT_DYLIB_PATH nennen",
  "ONNX Runtime cannot be loaded from {path}: a libonnxruntime of version 1.17 or later is needed":
    "ONNX Runtime lässt sich nicht aus {1} laden: Gebraucht wird eine libonnxruntime ab Version 1.17",
  "the .onnx file is damaged: {0}": "die .onnx-Datei ist beschädigt: {1}",
  "tensor '{tensor}' lies in another file: export with training/export_onnx.py, or with external_data=False":
    "der Tensor '{1}' liegt in einer anderen Datei: bitte mit training/export_onnx.py ausgeben, oder mit external_data=False",
  "operator '{operator}' is refused: it can claim any time or memory, and no regressor needs it":
    "der Operator '{1}' wird abgelehnt: Er kann beliebig viel Zeit oder Speicher fordern, und keine Regression braucht ihn",
  "the model has the inputs {found}; expected one: features float32 [batch, 50] (training/export_onnx.py makes it)":
    "das Modell hat die Eingaben {1}; erwartet ist eine: features float32 [batch, 50] (training/export_onnx.py macht sie)",
  "the model has the outputs {found}; expected position, and log_variance if it is known, each float32 [batch] or [batch, 1] (training/export_onnx.py makes them)":
    "das Modell hat die Ausgaben {1}; erwartet ist position, und log_variance, wenn bekannt, jede float32 [batch] oder [batch, 1] (training/export_onnx.py macht sie)",
  "the metadata casement.output_scale cannot be used": "die Angabe casement.output_scale lässt sich nicht brauchen",
  "neither the file nor its side-car says whether position is 0 to 1 or 0 to 100: casement models add --output-scale 0-1 (or 0-100)":
    "weder die Datei noch ihre Begleitdatei sagt, ob die Stellung 0 bis 1 oder 0 bis 100 ist: casement models add --output-scale 0-1 (oder 0-100)",
  "the file says that its outputs are {stated}, but {declared} was declared":
    "die Datei sagt, ihre Ausgaben seien {1}, angegeben war aber {2}",
  "ONNX Runtime refuses the model": "ONNX Runtime lehnt das Modell ab",
  "model.device is cuda, but ONNX Runtime has no CUDA here: install onnxruntime-gpu with its CUDA and cuDNN libraries (docs/models.md names the packages), or set model.device: cpu":
    "model.device ist cuda, aber ONNX Runtime hat hier kein CUDA: bitte onnxruntime-gpu mit seinen Bibliotheken CUDA und cuDNN installieren (docs/models.md nennt die Pakete), oder model.device: cpu setzen",
  "for the means of its training data the model answers {answer}; expected {expected}":
    "für die Mittelwerte seiner Trainingsdaten antwortet das Modell {1}; erwartet ist {2}",
  "it has no graph": "es hat keinen Graphen",
  "it has sparse weights": "es hat dünn besetzte Gewichte",
  "a graph within the graph": "ein Graph im Graphen",
  "a shape is absurd": "eine Form ist unsinnig",
  "of ONNX's element type {}": "vom Elementtyp {1} von ONNX",
  "model.onnx_runtime, {VARIABLE}, the onnxruntime wheel of {}, and {} where libraries are":
    "model.onnx_runtime, {1}, das Paket onnxruntime von {2}, und {3}, wo Bibliotheken sind",
  "{} numbers of {name} for {count} rows": "{1} Zahlen von {2} für {3} Zeilen",
  "one for each row": "eine für jede Zeile",
  "{position} percent, as its scale is {}": "{1} Prozent, da ihr Bereich {2} ist",
  "a position of 0 to 100 percent": "eine Stellung von 0 bis 100 Prozent",
  "no finite log variance": "keine endliche Log-Varianz",
  "a finite one": "eine endliche",
  "it is not a protocol buffer": "es ist kein Protocol Buffer",
  "it has a number cut short": "eine Zahl ist abgeschnitten",
  "it has a number of another kind": "eine Zahl ist von anderer Art",
  // The .pth container and its pickle.
  "an empty file": "eine leere Datei",
  "a TAR archive, as PyTorch before 0.1.10 wrote it": "ein TAR-Archiv, wie PyTorch es vor 0.1.10 schrieb",
  "a safetensors file": "eine safetensors-Datei",
  "an ONNX file": "eine ONNX-Datei",
  "another kind of file": "eine andere Art von Datei",
  "it has more than {MAX_ENTRIES} entries": "es hat mehr als {1} Einträge",
  "entry '{name}' is compressed; torch.save stores all entries as they are":
    "der Eintrag '{1}' ist gepackt; torch.save speichert alle, wie sie sind",
  "it has no data.pkl: a zip file, but not from torch.save": "es hat kein data.pkl: eine Zip-Datei, aber nicht von torch.save",
  "it has more than one data.pkl": "es hat mehr als ein data.pkl",
  "its table of contents at the end is missing or wrong: was it copied as a whole?":
    "das Verzeichnis am Ende fehlt oder ist falsch: Wurde es ganz kopiert?",
  "it is a zip file of a kind that torch.save does not write": "es ist eine Zip-Datei, wie torch.save sie nicht schreibt",
  "the pickle's memo is absurd": "der Merkzettel des Pickles ist unsinnig",
  "the pickle cannot be read: {problem}": "der Pickle ist nicht zu lesen: {1}",
  "it ends in the middle": "es endet mittendrin",
  "a length is absurd": "eine Länge ist unsinnig",
  "a memo index is no number": "eine Stelle im Merkzettel ist keine Zahl",
  "it imports a name that it computes": "es importiert einen Namen, den es erst berechnet",
  "it uses Python's extension registry": "es benutzt das Verzeichnis der Erweiterungen von Python",
  "it has an unknown opcode": "es hat einen unbekannten Befehl",
  "nothing known holds its tensor '{prefix}{ANCHOR}'": "nichts Bekanntes enthält seinen Tensor '{1}{2}'",
  "a sparse tensor; save it as tensor.to_dense()": "ein dünn besetzter Tensor; bitte als tensor.to_dense() speichern",
  "complex numbers, which no model here has": "komplexe Zahlen, die hier kein Modell hat",
  "a quantized tensor; save the model before it is quantized": "ein quantisierter Tensor; bitte das Modell vorher speichern",
  "no plain tensor; save the weights alone: torch.save(model.state_dict(), PATH)":
    "kein gewöhnlicher Tensor; bitte nur die Gewichte speichern: torch.save(model.state_dict(), PATH)",
  "it holds {class}: {kind}": "es enthält {1}: {2}",
  "no tensors at all": "gar keine Tensoren",
  "it takes more from its stack than is there": "es nimmt mehr vom Stapel, als da ist",
  "it refers to a memo that is not there": "es nennt eine Stelle im Merkzettel, die es nicht gibt",
  "its parts refer to each other so often that it would fill the memory":
    "seine Teile verweisen so oft aufeinander, dass es den Speicher füllen würde",
  // Versions.
  "'{0}' is no version: 1 to 64 letters, digits, '.', '_' and '-', not beginning with '.'":
    "'{1}' ist keine Version: 1 bis 64 Buchstaben, Ziffern, '.', '_' und '-', nicht mit '.' am Anfang",
  "there is no version '{version}'; known: {known}": "eine Version '{1}' gibt es nicht; bekannt: {2}",
  "version '{0}' is another file already; choose another name":
    "Version '{1}' ist schon eine andere Datei; bitte einen anderen Namen wählen",
  "the model has no side-car that names its version; name one":
    "das Modell hat keine Begleitdatei, die seine Version nennt; bitte eine nennen",
  "version '{0}' is not in the folder of versions; add its file first: casement models add":
    "Version '{1}' ist nicht im Ordner der Versionen; bitte zuerst die Datei hinzufügen: casement models add",
  "version '{0}' serves; promote another one first": "Version '{1}' entscheidet; bitte zuerst eine andere entscheiden lassen",
  "version '{0}' predicts in the shadow; end that first: casement models shadow --off":
    "Version '{1}' läuft im Schatten; bitte das zuerst beenden: casement models shadow --off",
  "there is nothing to go back to; promote a version by its name":
    "es gibt nichts, wohin zurück; bitte eine Version mit Namen entscheiden lassen",
  "the model is refused": "das Modell wird abgelehnt",
  "cannot use {path}": "{1} lässt sich nicht benutzen",
};
