//! `cargo run -p longhaul-serve --example kettle -- --help`

mod server;

fn main() -> std::process::ExitCode {
    longhaul_serve::run(server::Kettle)
}
