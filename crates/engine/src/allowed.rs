//! What statements may name: the table functions, table engines and database engines that stay within the data
//! directory, the scalar functions that do not, and the settings whose value is a file, an address or a program.
//!
//! Lists only, in lower case. A test compares them with what the engine itself says it has.

/// Table functions that compute or read tables of this engine.
pub(crate) const TABLE_FUNCTIONS: &[&str] = &[
    "arrowstream",
    "dictionary",
    "format",
    "fuzzjson",
    "generate_series",
    "generaterandom",
    "generateseries",
    "input",
    "loop",
    "merge",
    "mergetreeanalyzeindexes",
    "mergetreeanalyzeindexesuuid",
    "mergetreeindex",
    "mergetreeprojection",
    "mergetreetextindex",
    "null",
    "numbers",
    "numbers_mt",
    "primes",
    "sqlstandardvalues",
    "timeseriesdata",
    "timeseriesmetrics",
    "timeseriessamples",
    "timeseriestags",
    "values",
    "view",
    "viewifpermitted",
    "zeros",
    "zeros_mt",
];

/// Table functions that reach files, programs or the network, or run text that was not checked.
pub(crate) const REFUSED_TABLE_FUNCTIONS: &[&str] = &[
    "azureblobstorage",
    "azureblobstoragecluster",
    "cluster",
    "clusterallreplicas",
    "cosn",
    "deltalake",
    "deltalakeazure",
    "deltalakeazurecluster",
    "deltalakecluster",
    "deltalakelocal",
    "deltalakes3",
    "deltalakes3cluster",
    "eval",
    "executable",
    "file",
    "filecluster",
    "filesystem",
    "fuzzquery",
    "gcs",
    "gcscluster",
    "hdfs",
    "hdfscluster",
    "hudi",
    "hudicluster",
    "iceberg",
    "icebergazure",
    "icebergazurecluster",
    "icebergcluster",
    "iceberghdfs",
    "iceberghdfscluster",
    "iceberglocal",
    "iceberglocalcluster",
    "icebergs3",
    "icebergs3cluster",
    "jdbc",
    "mongodb",
    "mysql",
    "odbc",
    "oss",
    "paimon",
    "paimonazure",
    "paimonazurecluster",
    "paimoncluster",
    "paimonhdfs",
    "paimonhdfscluster",
    "paimonlocal",
    "paimons3",
    "paimons3cluster",
    "postgresql",
    "prometheusquery",
    "prometheusqueryrange",
    "python",
    "redis",
    "remote",
    "remotesecure",
    "s3",
    "s3cluster",
    "sqlite",
    "timeseriesselector",
    "url",
    "urlcluster",
    "viewexplain",
    "ytsaurus",
];

/// Scalar functions that reach files, programs or the network.
pub(crate) const REFUSED_FUNCTIONS: &[&str] = &[
    "aiclassify",
    "aiembed",
    "aiextract",
    "aigenerate",
    "aitranslate",
    "catboostevaluate",
    "file",
    "showcertificate",
];

/// Table engines whose data lies in the data directory.
pub(crate) const TABLE_ENGINES: &[&str] = &[
    "aggregatingmergetree",
    "alias",
    "buffer",
    "coalescingmergetree",
    "collapsingmergetree",
    "fuzzjson",
    "generaterandom",
    "graphitemergetree",
    "join",
    "log",
    "materializedview",
    "memory",
    "merge",
    "mergetree",
    "null",
    "replacingmergetree",
    "set",
    "stripelog",
    "summingmergetree",
    "tinylog",
    "versionedcollapsingmergetree",
    "view",
    "windowview",
];

/// Database engines whose tables lie in the data directory.
pub(crate) const DATABASE_ENGINES: &[&str] = &["atomic", "memory", "ordinary"];

/// How settings begin whose value is a file, an address or a program, that change the language, or that let data be
/// evaluated.
const REFUSED_SETTINGS: &[&str] = &[
    "ai_function",
    "allow_experimental_eval_table_function",
    "allow_experimental_kusto_dialect",
    "allow_experimental_polyglot_dialect",
    "allow_experimental_prql_dialect",
    "allow_python_table_function",
    "dialect",
    "dynamic_disk_allow",
    "format_avro",
    "format_display_secrets_in_show_and_select",
    "format_protobuf",
    "format_schema",
    "format_template",
    "input_format_record_errors_file_path",
    "input_format_values_interpret_expressions",
    "into_outfile",
    "polyglot_dialect",
    "rename_files_after_processing",
    "s3queue_default_zookeeper_path",
    "url_base",
];

/// Settings and functions whose text is SQL, or a structure that may hold SQL.
pub(crate) const HOLD_SQL: &[&str] = &[
    "additional_result_filter",
    "additional_table_filters",
    "arrowstream",
    "column_names_for_schema_inference",
    "format",
    "fuzzjson",
    "generaterandom",
    "input",
    "null",
    "parallel_replicas_custom_key",
    "schema_inference_hints",
    "sqlstandardvalues",
    "values",
];

/// Whether a setting, named in lower case, leads out of the data directory.
pub(crate) fn setting_reaches_out(name: &str) -> bool {
    REFUSED_SETTINGS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    //! What was looked at, in `tests/known`: `+` is allowed, `-` is refused. `tests/attacks.rs` compares the files with
    //! what the engine has; a new engine's names are decided on there and here.
    use super::*;

    fn agrees(text: &str, allowed: impl Fn(&str) -> bool) {
        for line in text.lines() {
            let (sign, name) = line.split_once(' ').expect("a sign and a name");
            assert_eq!(sign == "+", allowed(&name.to_ascii_lowercase()), "{line}");
        }
    }

    #[test]
    fn the_lists_are_what_was_decided() {
        agrees(include_str!("../tests/known/table_functions.txt"), |name| {
            TABLE_FUNCTIONS.contains(&name) && !REFUSED_TABLE_FUNCTIONS.contains(&name)
        });
        agrees(include_str!("../tests/known/table_engines.txt"), |name| {
            TABLE_ENGINES.contains(&name)
        });
        agrees(include_str!("../tests/known/database_engines.txt"), |name| {
            DATABASE_ENGINES.contains(&name)
        });
        agrees(include_str!("../tests/known/functions.txt"), |name| {
            !REFUSED_FUNCTIONS.contains(&name)
        });
    }
}
