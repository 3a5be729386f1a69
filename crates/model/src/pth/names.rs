//! Python names in a pickle: those that a model needs, and those that only an attack needs.
//!
//! No pickle is ever run here. Such a file is refused nevertheless, because opening it in Python would run its code.

/// Python modules that give control over the machine. No model needs a name from one of them.
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

/// Returns whether a model can have a reason to use this name.
pub(super) fn is_harmless(global: &str) -> bool {
    let (root, rest) = global.split_once('.').unwrap_or((global, ""));
    match root {
        "builtins" | "__builtin__" | "__builtins__" => HARMLESS_BUILTINS.contains(&rest),
        // The form of a sparse layout in torch; it only resolves a name.
        "torch" if rest == "serialization._get_layout" => true,
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
    use super::*;

    #[test]
    fn what_models_name_is_harmless_and_what_attacks_name_is_not() {
        for name in [
            "collections.OrderedDict",
            "torch._utils._rebuild_tensor_v2",
            "torch.FloatStorage",
            "__main__.Net",
            "torch.nn.modules.linear.Linear",
            "builtins.set",
            "torch.serialization._get_layout",
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
            "torch.serialization.load",
            "runpy._run_code",
            "operator.attrgetter",
        ] {
            assert!(!is_harmless(name), "{name}");
        }
    }
}
