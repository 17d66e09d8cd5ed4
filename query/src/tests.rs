use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{
    ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use datafusion::arrow::ipc::reader::StreamReader;
use ipnet::IpNet;
use store::{Clock, ManualClock, NewBatch, Store, StoreSettings, Table, Timestamp, Workspace};

use super::*;
use crate::format::{Encoder, Format};

mod kql;
mod language;

const GATEWAY: Table = Table::ApiManagementGatewayLogs;

struct Fixture {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    engine: Engine,
}

/// A store in which minute `n` of 1970 has one call from `addresses[n]`; the first half is in segments.
async fn fixture(addresses: &[&str]) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_micros(3_600_000_000)));
    let store = Arc::new(
        Store::open(StoreSettings::new(folder.path()), Arc::clone(&clock))
            .await
            .unwrap(),
    );
    for (minute, address) in (0..).zip(addresses) {
        append(&store, rows(minute, address)).await;
        if usize::try_from(minute).unwrap() == addresses.len() / 2 {
            store.publish().await.unwrap();
        }
    }
    let network: IpNet = "10.0.0.0/8".parse().unwrap();
    let watchlists = Watchlists::new(&[("office".to_owned(), vec![network])].into()).unwrap();
    let settings = EngineSettings {
        watchlists,
        ..EngineSettings::default()
    };
    let engine = Engine::new(Arc::clone(&store), clock, settings).unwrap();
    Fixture {
        _folder: folder,
        store,
        engine,
    }
}

async fn append(store: &Store, rows: RecordBatch) {
    let batch = NewBatch {
        workspace: Workspace::default(),
        id: uuid::Uuid::nil(),
        idempotency: None,
        steps: Vec::new(),
        accepted: 1,
        quarantined: 0,
        parts: vec![(GATEWAY, rows)],
    };
    store.append(batch).await.unwrap();
}

fn rows(minute: i64, address: &str) -> RecordBatch {
    let schema = GATEWAY.arrow_schema();
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "TimeGenerated" => {
                let times = TimestampMicrosecondArray::from(vec![minute * 60_000_000]);
                Arc::new(times.with_timezone("UTC"))
            }
            "CallerIpAddress" => Arc::new(StringArray::from(vec![address])),
            "Url" => Arc::new(StringArray::from(vec!["=cmd()"])),
            "AdditionalFields" => Arc::new(StringArray::from(vec![r#"{"Sku":"Premium"}"#])),
            _ => new_null_array(field.data_type(), 1),
        }
    });
    let rows = RecordBatch::try_new(GATEWAY.arrow_schema(), columns.collect()).unwrap();
    GATEWAY.conform(&rows).unwrap()
}

/// A call with that correlation id, in the form of a batch.
fn call(minute: i64, correlation: &str) -> RecordBatch {
    let time = TimestampMicrosecondArray::from(vec![minute * 60_000_000]).with_timezone("UTC");
    let id: ArrayRef = Arc::new(StringArray::from(vec![correlation]));
    let columns = [
        ("TimeGenerated", Arc::new(time) as ArrayRef),
        ("CorrelationId", id),
    ];
    GATEWAY
        .conform(&RecordBatch::try_from_iter(columns).unwrap())
        .unwrap()
}

#[test]
fn guids_are_text_wherever_they_are() {
    const PUBLISHED: &str = "99789635-18d0-480f-8182-a3a3c4770001";
    const RECENT: &str = "99789635-18d0-480f-8182-a3a3c4770002";
    let ids = [
        PUBLISHED,
        "no GUID",
        "99789635-18D0-480F-8182-A3A3C4770001",
        RECENT,
    ];
    run(async {
        let fixture = fixture(&[]).await;
        for (minute, id) in (0..).zip(ids) {
            append(&fixture.store, call(minute, id)).await;
            if id != RECENT {
                fixture.store.publish().await.unwrap();
            }
        }
        let ask = async |sql: String| {
            answer_of(&fixture, Question::sql(&sql), Format::Csv)
                .await
                .unwrap()
        };
        let all = "select CorrelationId from ApiManagementGatewayLogs order by TimeGenerated";
        let expected = format!("CorrelationId\n{}\n", ids.join("\n"));
        assert_eq!(ask(all.to_owned()).await, expected);
        for id in ids {
            let sql = format!(
                "select count(*) as n, max(CorrelationId) as id from ApiManagementGatewayLogs where CorrelationId = '{id}'"
            );
            assert_eq!(ask(sql).await, format!("n,id\n1,{id}\n"));
        }
        let some = "select count(*) as n from ApiManagementGatewayLogs where CorrelationId like '99789635-18d0-%'";
        assert_eq!(ask(some.to_owned()).await, "n\n2\n");
    });
}

async fn answer_of(
    fixture: &Fixture,
    question: Question,
    format: Format,
) -> Result<String, QueryError> {
    let mut answer = fixture
        .engine
        .answer(&Workspace::default(), question)
        .await?;
    let (mut encoder, mut bytes) = Encoder::start(format, answer.schema()).unwrap();
    while let Some(batch) = answer.next_batch().await? {
        bytes.extend(encoder.rows(&batch).unwrap());
    }
    bytes.extend(encoder.finish(answer.is_truncated()).unwrap());
    Ok(String::from_utf8(bytes).unwrap())
}

#[track_caller]
fn check_rows(sql: &str, expected: &str) {
    let addresses = ["10.0.0.1", "10.0.0.2", "192.0.2.1", "192.0.2.2"];
    let text = run(async {
        let fixture = fixture(&addresses).await;
        answer_of(&fixture, Question::sql(sql), Format::Csv)
            .await
            .unwrap()
    });
    assert_eq!(text, expected, "{sql}");
}

#[track_caller]
fn check_error(sql: &str, expected: &str) {
    let error = run(async {
        let fixture = fixture(&["10.0.0.1"]).await;
        answer_of(&fixture, Question::sql(sql), Format::Csv)
            .await
            .unwrap_err()
    });
    let text = error.to_string();
    assert!(
        text.contains(expected),
        "{sql}\n  gave: {text}\n  not:  {expected}"
    );
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future)
}

#[test]
fn published_and_recent_rows_are_one_table() {
    check_rows(
        "select count(*) as n from ApiManagementGatewayLogs",
        "n\n4\n",
    );
}

#[test]
fn names_keep_their_case() {
    check_rows(
        "select CallerIpAddress from ApiManagementGatewayLogs order by TimeGenerated desc limit 1",
        "CallerIpAddress\n192.0.2.2\n",
    );
}

#[test]
fn times_are_utc_and_prune() {
    check_rows(
        "select TimeGenerated from ApiManagementGatewayLogs where TimeGenerated >= '1970-01-01T00:03:00Z'",
        "TimeGenerated\n1970-01-01T00:03:00Z\n",
    );
}

#[test]
fn a_watchlist_tells_addresses_apart() {
    check_rows(
        "select count(*) as n from ApiManagementGatewayLogs where ip_in_watchlist(CallerIpAddress, 'office')",
        "n\n2\n",
    );
    check_rows(
        "select count(*) as n from ApiManagementGatewayLogs where ip_in_watchlist(CallerIpAddress, 'nowhere')",
        "n\n0\n",
    );
}

#[test]
fn dynamic_columns_are_read_as_json() {
    check_rows(
        "select distinct json_get_str(AdditionalFields, 'Sku') as sku from ApiManagementGatewayLogs",
        "sku\nPremium\n",
    );
}

#[test]
fn text_that_a_spreadsheet_would_run_is_defused_in_csv() {
    check_rows(
        "select distinct Url from ApiManagementGatewayLogs",
        "Url\n'=cmd()\n",
    );
}

#[test]
fn an_unknown_table_is_answered_with_the_nearest() {
    check_error(
        "select 1 from ApiManagementGatewayLog",
        "unknown table 'ApiManagementGatewayLog'; did you mean 'ApiManagementGatewayLogs'?",
    );
    check_error(
        "select 1 from apimanagementgatewaylogs",
        "did you mean 'ApiManagementGatewayLogs'?",
    );
    check_error("select 1 from zzz", "unknown table 'zzz'");
}

#[test]
fn an_unknown_column_is_answered_with_the_nearest() {
    check_error(
        "select CallerIp from ApiManagementGatewayLogs",
        "unknown column 'CallerIp'; did you mean 'CallerIpAddress'?",
    );
}

#[test]
fn only_reading_is_allowed() {
    check_error(
        "delete from ApiManagementGatewayLogs",
        "only queries that read are allowed",
    );
    check_error(
        "insert into AzureActivity select * from AzureActivity",
        "only queries that read are allowed",
    );
    check_error(
        "create table t as select 1",
        "only queries that read are allowed",
    );
    check_error(
        "copy (select 1) to '/tmp/x.csv'",
        "only queries that read are allowed",
    );
    check_error(
        "create external table t stored as csv location '/etc/passwd'",
        "only queries that read",
    );
    check_error(
        "set datafusion.execution.batch_size = 1",
        "only queries that read are allowed",
    );
    check_error("select * from '/etc/passwd'", "unknown table '/etc/passwd'");
    check_error("select 1; select 2", "single SQL statement");
    check_error("selec 1", "read query: ");
}

#[test]
fn what_would_cost_too_much_is_refused() {
    check_error(
        "select repeat('x', 1000000000)",
        "repeat needs a literal length",
    );
    check_error(
        "select lpad('x', 1000000000, 'y')",
        "lpad needs a literal length",
    );
    check_error(
        "select range(0, 10000000000)",
        "range needs a literal length",
    );
    check_error(
        "select * from generate_series(1, 10000000000)",
        "unknown table 'generate_series'",
    );
    let pattern = "a".repeat(2_000);
    check_error(
        &format!("select regexp_like(Url, '{pattern}') from ApiManagementGatewayLogs"),
        "pattern of more",
    );
    let chain = "1 = 1 or ".repeat(10_000);
    check_error(
        &format!("select 1 where {chain} 1 = 1"),
        "query is over a limit",
    );
    let deep = "(".repeat(3_000) + "1" + &")".repeat(3_000);
    check_error(&format!("select {deep}"), "recursion limit");
}

#[test]
fn the_longest_chain_that_is_allowed_does_not_end_the_process() {
    let chain = "Url = 'a' or ".repeat(490);
    check_rows(
        &format!("select count(*) as n from ApiManagementGatewayLogs where {chain} Url = 'b'"),
        "n\n0\n",
    );
}

#[tokio::test]
async fn a_span_bounds_every_table_and_sets_now() {
    let fixture = fixture(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]).await;
    let minute = |n: i64| Timestamp::from_micros(n * 60_000_000);
    let mut question = Question::sql(
        "select count(*) as n, min(TimeGenerated) as first, now() as at from ApiManagementGatewayLogs",
    );
    question.span = Some(Span {
        start: minute(1),
        end: minute(3),
    });
    let text = answer_of(&fixture, question, Format::Csv).await.unwrap();
    assert_eq!(
        text,
        "n,first,at\n2,1970-01-01T00:01:00Z,1970-01-01T00:03:00Z\n"
    );
}

#[tokio::test]
async fn parameters_are_text_whatever_stands_in_them() {
    let fixture = fixture(&["10.0.0.1"]).await;
    let mut question = Question::sql(
        "select count(*) as n from ApiManagementGatewayLogs where CallerIpAddress = $ip",
    );
    question.parameters = vec![("ip".to_owned(), "' or 1 = 1 --".to_owned())];
    assert_eq!(
        answer_of(&fixture, question.clone(), Format::Csv)
            .await
            .unwrap(),
        "n\n0\n"
    );
    question.parameters = vec![("ip".to_owned(), "10.0.0.1".to_owned())];
    assert_eq!(
        answer_of(&fixture, question, Format::Csv).await.unwrap(),
        "n\n1\n"
    );
}

#[tokio::test]
async fn rows_past_the_limit_are_left_out_and_the_answer_says_so() {
    let fixture = fixture(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]).await;
    let mut question =
        Question::sql("select CallerIpAddress as ip from ApiManagementGatewayLogs order by ip");
    question.rows_max = 2;
    let text = answer_of(&fixture, question, Format::Json).await.unwrap();
    assert_eq!(
        text,
        "{\"columns\":[{\"name\":\"ip\",\"type\":\"string\"}],\
         \"rows\":[[\"10.0.0.1\"],[\"10.0.0.2\"]],\"truncated\":true}\n"
    );
}

#[tokio::test]
async fn a_query_ends_at_its_timeout() {
    let fixture = fixture(&["10.0.0.1"; 40]).await;
    let mut question = Question::sql(
        "select count(*) from ApiManagementGatewayLogs a, ApiManagementGatewayLogs b,
         ApiManagementGatewayLogs c, ApiManagementGatewayLogs d, ApiManagementGatewayLogs e
         where a.Url || b.Url || c.Url || d.Url || e.Url like '%zz%'",
    );
    question.timeout = Duration::from_millis(300);
    let error = answer_of(&fixture, question, Format::Json)
        .await
        .unwrap_err();
    assert!(matches!(error, QueryError::Timeout(_)), "{error}");
    assert!(fixture.store.is_healthy());
}

#[tokio::test]
async fn ndjson_and_arrow_hold_the_same_rows() {
    let fixture = fixture(&["10.0.0.1"]).await;
    let sql =
        "select CallerIpAddress as ip, 1 as one, null as nothing from ApiManagementGatewayLogs";
    let text = answer_of(&fixture, Question::sql(sql), Format::Ndjson)
        .await
        .unwrap();
    assert_eq!(text, "{\"ip\":\"10.0.0.1\",\"one\":1,\"nothing\":null}\n");
    let mut answer = fixture
        .engine
        .answer(&Workspace::default(), Question::sql(sql))
        .await
        .unwrap();
    let (mut encoder, mut bytes) = Encoder::start(Format::Arrow, answer.schema()).unwrap();
    while let Some(batch) = answer.next_batch().await.unwrap() {
        bytes.extend(encoder.rows(&batch).unwrap());
    }
    bytes.extend(encoder.finish(false).unwrap());
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn a_running_query_keeps_the_files_that_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let start = Timestamp::from_micros(3_600_000_000);
    let clock = Arc::new(ManualClock::new(start));
    let mut settings = StoreSettings::new(folder.path());
    settings.compaction.files_min = 3;
    let store = Store::open(settings, Arc::<ManualClock>::clone(&clock)).await;
    let store = Arc::new(store.unwrap());
    for minute in 0..3 {
        let batch = NewBatch {
            workspace: Workspace::default(),
            id: uuid::Uuid::nil(),
            idempotency: None,
            steps: Vec::new(),
            accepted: 1,
            quarantined: 0,
            parts: vec![(GATEWAY, rows(minute, "10.0.0.1"))],
        };
        store.append(batch).await.unwrap();
        store.publish().await.unwrap();
    }
    let settings = EngineSettings::default();
    let engine = Engine::new(
        Arc::clone(&store),
        Arc::<ManualClock>::clone(&clock),
        settings,
    );
    let engine = engine.unwrap();
    let question = Question::sql(r#"select "CallerIpAddress" from "ApiManagementGatewayLogs""#);
    let mut answer = engine
        .answer(&Workspace::default(), question)
        .await
        .unwrap();
    let token = tokio_util::sync::CancellationToken::new();
    assert_eq!(store.upkeep(&token).await.unwrap().compactions, 1);
    clock.set(start.plus(Duration::from_hours(5)));
    let while_it_runs = store.upkeep(&token).await.unwrap().files_removed;
    let mut found = 0;
    while let Some(batch) = answer.next_batch().await.unwrap() {
        found += batch.num_rows();
    }
    assert_eq!((while_it_runs, found), (0, 3));
    drop(answer);
    assert_eq!(store.upkeep(&token).await.unwrap().files_removed, 3);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_the_fault_of_the_query() {
    let fixture = fixture(&["10.0.0.1"]).await;
    fixture.store.publish().await.unwrap();
    let segments = fixture.store.snapshot(&Workspace::default(), GATEWAY);
    let path = &segments.segments[0].path;
    let whole = std::fs::read(path).unwrap();
    let mut rotten = whole.clone();
    rotten[whole.len() - 40..].fill(0xff);
    let sql = "select max(\"Url\") from \"ApiManagementGatewayLogs\"";
    for damage in [&rotten[..], &whole[..100], b"", b"gone"] {
        std::fs::write(path, damage).unwrap();
        if damage == b"gone" {
            std::fs::remove_file(path).unwrap();
        }
        let error = answer_of(&fixture, Question::sql(sql), Format::Json).await;
        let error = error.unwrap_err();
        assert!(matches!(error, QueryError::Storage(_)), "{error:?}");
        assert!(!error.to_string().contains("segment-"), "{error}");
    }
    let error = answer_of(&fixture, Question::sql("select 1 / 0"), Format::Json).await;
    assert!(matches!(error, Err(QueryError::Run(_))), "{error:?}");
}
