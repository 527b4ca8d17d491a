//! What each stage of an ingest costs on `sample-logs`, beside the floor: decompressing the same files.
//!
//! `cargo bench --bench stages`. Ratios between the stages say more than the times, which are the machine's.

use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rolecall::cloudtrail::{Limits, Needle, Term, Wanted, decode_object};
use rolecall::ingest::{Plan, ingest};
use rolecall::lake::batch::{EventRows, ObjectContext};
use rolecall::source::{S3Options, Source};

/// The compressed files, and their bytes once decompressed.
fn objects() -> (Vec<Vec<u8>>, u64) {
    let mut objects = Vec::new();
    let mut total = 0;
    let mut folders: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "gz")
                && let Ok(bytes) = std::fs::read(&path)
            {
                let mut text = Vec::new();
                if flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).is_ok() {
                    total += text.len() as u64;
                    objects.push(bytes);
                }
            }
        }
    }
    (objects, total)
}

fn stages(c: &mut Criterion) {
    let (objects, bytes) = objects();
    let mut group = c.benchmark_group("stages");
    group.throughput(Throughput::Bytes(bytes)).sample_size(20);
    group.bench_function("gunzip", |b| {
        let (mut inflater, mut out) = (libdeflater::Decompressor::new(), vec![0; 32 << 20]);
        b.iter(|| {
            for object in &objects {
                black_box(inflater.gzip_decompress(object, &mut out).ok());
            }
        });
    });
    let decode = |wanted: &Wanted| {
        for object in &objects {
            decode_object("x", object, &Limits::default(), wanted, &mut |_, event| {
                black_box(event);
            });
        }
    };
    group.bench_function("gunzip, decode", |b| b.iter(|| decode(&Wanted::default())));
    let one = Needle::value("AssumeRole").map(|needle| Wanted::all_of(vec![Term::any(vec![needle])]));
    group.bench_function("gunzip, decode one event name", |b| {
        b.iter(|| decode(one.as_ref().unwrap_or(&Wanted::default())))
    });
    group.bench_function("gunzip, decode, batch", |b| {
        b.iter(|| {
            let mut rows = EventRows::new(None);
            let object = ObjectContext { source_object: "x", delivered_at: None, key_account: None, ingest_number: 1 };
            for bytes in &objects {
                decode_object("x", bytes, &Limits::default(), &Wanted::default(), &mut |place, event| {
                    rows.push(event, &object, place.index.cast_signed());
                });
            }
            black_box(rows.finish().ok());
        });
    });
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return };
    group.bench_function("ingest and commit", |b| {
        b.iter(|| {
            let Ok(lake) = tempfile::tempdir() else { return };
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-logs");
            let done = runtime.block_on(async {
                let source = Source::open(folder, &S3Options::default()).await?;
                let plan = Plan::new(vec![source], lake.path().display().to_string());
                ingest(plan, &|_| {}, Arc::new(AtomicBool::new(false))).await
            });
            black_box(done.ok());
        });
    });
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
