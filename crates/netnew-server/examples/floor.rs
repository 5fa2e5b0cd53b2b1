//! What a server could do at best with deliveries: append each body to one file, sync once for all that have gathered, then answer.
//! No signature, no book. `bench/webhooks.py --floor` measures it beside the real thing.
//!
//!     cargo run --release -p netnew-server --example floor -- FILE

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use std::fs::File;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;

type Waiting = (Bytes, oneshot::Sender<()>);

fn write(mut file: File, queue: Receiver<Waiting>) -> std::io::Result<()> {
    while let Ok((first, told)) = queue.recv() {
        file.write_all(&first)?;
        let mut waiting = vec![told];
        while let Ok((body, told)) = queue.try_recv() {
            file.write_all(&body)?;
            waiting.push(told);
        }
        file.sync_data()?;
        for told in waiting {
            // Whoever has gone away needs no answer.
            let _ = told.send(());
        }
    }
    Ok(())
}

async fn take(State(queue): State<SyncSender<Waiting>>, body: Bytes) -> &'static str {
    let (send, receive) = oneshot::channel();
    if queue.send((body, send)).is_ok() && receive.await.is_ok() { "{}" } else { "lost" }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "floor.log".into());
    let file = File::create(path)?;
    let (send, receive) = sync_channel(8_192);
    std::thread::spawn(move || write(file, receive));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("at http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/webhooks/stripe/{source}", post(take)).with_state(send)).await
}
