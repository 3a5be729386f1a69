//! A walk over a pickle's opcodes that builds nothing: how long it is, and which Python names it refers to.
//!
//! It guards the reader, which needs many times a pickle's size in memory, and it sees names that hide in parts of a
//! file the reader passes over.

/// The bytes are not a pickle, or not one that `torch.save` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) &'static str);

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Bytes up to and with the STOP opcode.
    pub(super) len: usize,
    /// `module.name` of everything the pickle imports.
    pub(super) globals: Vec<String>,
}

/// Walks one pickle at the start of `bytes`; whatever follows it is not looked at.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan, Fault> {
    let mut walk = Walk {
        bytes,
        at: 0,
        recent: [None, None],
        memo: Vec::new(),
    };
    let mut globals = Vec::new();
    loop {
        match walk.step()? {
            Step::Other => {}
            Step::Global(name) => globals.push(name),
            Step::Stop => {
                return Ok(Scan {
                    len: walk.at,
                    globals,
                });
            }
        }
    }
}

enum Step {
    Other,
    Global(String),
    Stop,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The two values pushed last, where they are text: what `STACK_GLOBAL` reads.
    recent: [Option<&'a [u8]>; 2],
    memo: Vec<(u32, Option<&'a [u8]>)>,
}

impl<'a> Walk<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let taken = &self.bytes[self.at..end.ok_or(Fault("it ends in the middle"))?];
        self.at += len;
        Ok(taken)
    }

    fn number(&mut self, width: usize) -> Result<u64, Fault> {
        Ok(self
            .take(width)?
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Bytes behind a length of `width` bytes.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], Fault> {
        let len = usize::try_from(self.number(width)?).map_err(|_| Fault("a length is absurd"))?;
        self.take(len)
    }

    fn line(&mut self) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let len = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(Fault("it ends in the middle"))?;
        self.at += len + 1;
        Ok(&rest[..len])
    }

    fn push(&mut self, text: Option<&'a [u8]>) -> Step {
        self.recent = [self.recent[1], text];
        Step::Other
    }

    fn memoize(&mut self, index: u64) -> Step {
        self.memo.push((index as u32, self.recent[1]));
        Step::Other
    }

    fn recall(&mut self, index: u64) -> Step {
        let text = self
            .memo
            .iter()
            .rev()
            .find(|(known, _)| u64::from(*known) == index)
            .and_then(|(_, text)| *text);
        self.push(text)
    }

    fn line_number(&mut self) -> Result<u64, Fault> {
        let line = self.line()?;
        std::str::from_utf8(line)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .ok_or(Fault("a memo index is no number"))
    }

    fn step(&mut self) -> Result<Step, Fault> {
        Ok(match self.take(1)?[0] {
            b'.' => Step::Stop,
            b'c' | b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(None);
                Step::Global(dotted(module, name))
            }
            0x93 => {
                let [Some(module), Some(name)] = self.recent else {
                    return Err(Fault("it imports a name that it computes"));
                };
                self.push(None);
                Step::Global(dotted(module, name))
            }
            0x82..=0x84 => return Err(Fault("it uses Python's extension registry")),
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            b'X' | b'T' => self.text(4)?,
            b'U' | 0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'C' | 0x8a => self.value(1)?,
            0x8e | 0x96 => self.value(8)?,
            b'B' | 0x8b => self.value(4)?,
            b'S' | b'V' => {
                let text = self.line()?;
                // S writes its quotes.
                let quoted =
                    text.len() >= 2 && matches!(text[0], b'\'' | b'"') && text[0] == text[text.len() - 1];
                self.push(Some(if quoted { &text[1..text.len() - 1] } else { text }))
            }
            b'I' | b'L' | b'F' | b'P' => {
                self.line()?;
                self.push(None)
            }
            b'K' => self.fixed(1)?,
            b'M' => self.fixed(2)?,
            b'J' => self.fixed(4)?,
            b'G' => self.fixed(8)?,
            b'q' => {
                let index = self.number(1)?;
                self.memoize(index)
            }
            b'r' => {
                let index = self.number(4)?;
                self.memoize(index)
            }
            b'p' => {
                let index = self.line_number()?;
                self.memoize(index)
            }
            0x94 => {
                let index = self.memo.len() as u64;
                self.memoize(index)
            }
            b'h' => {
                let index = self.number(1)?;
                self.recall(index)
            }
            b'j' => {
                let index = self.number(4)?;
                self.recall(index)
            }
            b'g' => {
                let index = self.line_number()?;
                self.recall(index)
            }
            b'('
            | b'0'
            | b'1'
            | b'2'
            | b'N'
            | b']'
            | b'l'
            | b'}'
            | b'd'
            | b')'
            | b't'
            | b'a'
            | b'e'
            | b's'
            | b'u'
            | b'b'
            | b'R'
            | b'o'
            | b'Q'
            | 0x81
            | 0x85..=0x89
            | 0x8f..=0x92
            | 0x97
            | 0x98 => self.push(None),
            _ => return Err(Fault("it has an unknown opcode")),
        })
    }

    fn skip(&mut self, len: usize) -> Result<Step, Fault> {
        self.take(len)?;
        Ok(Step::Other)
    }

    fn fixed(&mut self, len: usize) -> Result<Step, Fault> {
        self.take(len)?;
        Ok(self.push(None))
    }

    fn value(&mut self, width: usize) -> Result<Step, Fault> {
        self.counted(width)?;
        Ok(self.push(None))
    }

    fn text(&mut self, width: usize) -> Result<Step, Fault> {
        let text = self.counted(width)?;
        Ok(self.push(Some(text)))
    }
}

fn dotted(module: &[u8], name: &[u8]) -> String {
    format!(
        "{}.{}",
        String::from_utf8_lossy(module),
        String::from_utf8_lossy(name)
    )
}

/// Python modules that hand over the machine. A name from one of them has no place beside weights.
const DANGEROUS: &[&str] = &[
    "_io",
    "_pickle",
    "_posixsubprocess",
    "_winapi",
    "asyncio",
    "bdb",
    "cPickle",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "distutils",
    "ensurepip",
    "ftplib",
    "http",
    "httplib",
    "idlelib",
    "imp",
    "importlib",
    "io",
    "linecache",
    "marshal",
    "multiprocessing",
    "nt",
    "ntpath",
    "operator",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "platform",
    "popen2",
    "posix",
    "posixpath",
    "profile",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "setuptools",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "timeit",
    "trace",
    "types",
    "urllib",
    "urllib2",
    "venv",
    "webbrowser",
    "xmlrpc",
    "zipimport",
];

/// Builtins that only hold data.
const HARMLESS_BUILTINS: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "long",
    "object",
    "range",
    "set",
    "slice",
    "str",
    "tuple",
    "unicode",
];

/// Whether a model could have a reason to name this.
pub(super) fn is_harmless(global: &str) -> bool {
    let (root, rest) = global.split_once('.').unwrap_or((global, ""));
    match root {
        "builtins" | "__builtin__" | "__builtins__" => HARMLESS_BUILTINS.contains(&rest),
        "torch" => ![
            "hub.",
            "load",
            "jit.",
            "serialization.",
            "utils.cpp_extension.",
            "storage._load_from_bytes",
        ]
        .iter()
        .any(|prefix| rest.starts_with(prefix)),
        _ => !DANGEROUS.contains(&root),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_to_name_something_is_seen() {
        let cases: [(&[u8], &str); 5] = [
            (b"cos\nsystem\n(S'id'\ntR.", "os.system"),
            (b"(S'id'\nios\nsystem\n.", "os.system"),
            (
                b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
                "os.system",
            ),
            (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.", "os.system"),
            (
                b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93.",
                "os.system",
            ),
        ];
        for (bytes, global) in cases {
            let scan = scan(bytes).unwrap();
            assert_eq!(
                (scan.len, scan.globals.as_slice()),
                (bytes.len(), &[global.to_owned()][..])
            );
        }
    }

    #[test]
    fn computed_names_and_extensions_are_faults() {
        assert!(scan(b"\x80\x04(\x8c\x02ost\x8c\x06systemN\x93.").is_err());
        assert!(scan(b"\x80\x02\x82\x01.").is_err());
        assert!(scan(b"\x80\x02N").is_err());
        assert!(scan(b"X\xff\xff\xff\xffabc.").is_err());
    }

    #[test]
    fn what_models_name_is_harmless_and_what_attacks_name_is_not() {
        for name in [
            "collections.OrderedDict",
            "torch._utils._rebuild_tensor_v2",
            "torch.FloatStorage",
            "__main__.Net",
            "torch.nn.modules.linear.Linear",
            "builtins.set",
            "__builtin__.set",
            "numpy.core.multiarray.scalar",
        ] {
            assert!(is_harmless(name), "{name}");
        }
        for name in [
            "os.system",
            "posix.system",
            "subprocess.Popen",
            "builtins.eval",
            "__builtin__.getattr",
            "sys.exit",
            "torch.hub.load",
            "runpy._run_code",
            "operator.attrgetter",
        ] {
            assert!(!is_harmless(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = scan(&bytes);
        }
    }
}
