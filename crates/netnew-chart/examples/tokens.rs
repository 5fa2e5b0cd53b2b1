//! The style sheet of tokens and charts, as the server's assets hold it:
//! `cargo run -p netnew-chart --example tokens > crates/netnew-server/assets/tokens.css`.

fn main() {
    print!("{}", netnew_chart::css());
}
