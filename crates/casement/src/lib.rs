//! Everything around the services: command line, configuration, assembly, telemetry, shutdown.
//!
//! The binary only calls [`commands`]; tests start a whole [`system`] in their own process.

mod api_part;
mod asking;
pub mod assembly;
mod audit;
mod backup;
mod backup_part;
mod broker_part;
pub mod certificates;
pub mod cli;
pub mod commands;
pub mod config;
pub mod data_dir;
mod device_places;
mod doctor;
mod door_book;
mod doorkeeper;
mod engine_part;
mod engine_users;
mod entrance;
mod examination;
pub mod examples;
mod host;
mod lan;
mod mdns;
pub mod messages;
mod noted;
pub mod output;
mod page_urls;
mod plot;
mod recordings;
mod service_manager;
pub mod shutdown;
mod snippets;
pub mod supervision;
pub mod system;
mod table;
pub mod telemetry;
mod top;
mod trainer;
