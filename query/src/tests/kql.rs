//! Questions in KQL: what they read, and what they give.

use datafusion::physical_plan::displayable;
use tokio::time::Instant;

use super::*;

/// The physical plan of a question, as text.
async fn plan(fixture: &Fixture, kql: &str) -> String {
    let workspace = Workspace::default();
    let deadline = Instant::now() + Duration::from_secs(30);
    let planned = fixture
        .engine
        .results(&workspace, Question::kql(kql), deadline);
    let results = planned.await.unwrap();
    let (plan, _) = results.plans.first().unwrap();
    let physical = results.state.create_physical_plan(plan).await.unwrap();
    displayable(physical.as_ref()).indent(true).to_string()
}

async fn csv(fixture: &Fixture, question: Question) -> String {
    let workspace = Workspace::default();
    let mut answer = fixture.engine.answer(&workspace, question).await.unwrap();
    let (mut encoder, mut bytes) = answer.encoder(Format::Csv).unwrap();
    while let Some(batch) = answer.next_batch().await.unwrap() {
        bytes.extend(encoder.rows(&batch).unwrap());
    }
    bytes.extend(encoder.finish(false).unwrap());
    String::from_utf8(bytes).unwrap()
}

const CALLS: [&str; 4] = ["10.0.0.1", "10.0.0.2", "192.0.2.1", "192.0.2.2"];

#[tokio::test]
async fn filters_reach_the_files_and_no_other_column_is_read() {
    let fixture = fixture(&CALLS).await;
    let kql = "ApiManagementGatewayLogs | where TimeGenerated < datetime(1970-01-01T00:01:30Z) \
        | summarize n = count() by CallerIpAddress";
    let text = plan(&fixture, kql).await;
    let scan = text
        .lines()
        .find(|line| line.contains("DataSourceExec: file_groups"));
    let scan = scan.unwrap_or_else(|| panic!("{text}"));
    assert!(
        scan.contains("projection=[TimeGenerated, CallerIpAddress]")
            || scan.contains("projection=[CallerIpAddress]"),
        "{text}"
    );
    assert!(scan.contains("predicate=TimeGenerated"), "{text}");
    assert!(!text.contains("json_get_str"), "{text}");
    // Nothing of that time is in a file.
    let kql = "ApiManagementGatewayLogs | where TimeGenerated > datetime(2020-01-01) | count";
    let text = plan(&fixture, kql).await;
    assert!(!text.contains("file_groups"), "{text}");
}

#[tokio::test]
async fn a_span_bounds_the_tables_and_is_now() {
    let fixture = fixture(&CALLS).await;
    let mut question = Question::kql(
        "ApiManagementGatewayLogs | summarize n = count(), latest = max(TimeGenerated), now = now()",
    );
    question.span = Some(Span {
        start: Timestamp::from_micros(60_000_000),
        end: Timestamp::from_micros(180_000_000),
    });
    let expected = "n,latest,now\n2,1970-01-01T00:02:00.0000000Z,1970-01-01T00:03:00.0000000Z\n";
    assert_eq!(csv(&fixture, question).await, expected);
}

#[tokio::test]
async fn a_query_may_be_asked_as_of_another_time() {
    let fixture = fixture(&CALLS).await;
    let kql = "set query_now = datetime(1970-01-01T01:01:30Z); \
        ApiManagementGatewayLogs | where TimeGenerated > ago(1h) | count";
    assert_eq!(csv(&fixture, Question::kql(kql)).await, "Count\n2\n");
    let mut question = Question::kql("print now()");
    question.now = Some(Timestamp::from_micros(1_000_000));
    let expected = "print_0\n1970-01-01T00:00:01.0000000Z\n";
    assert_eq!(csv(&fixture, question).await, expected);
}

#[tokio::test]
async fn only_what_is_planned_quickly_is_planned_where_it_came_in() {
    let fixture = fixture(&CALLS).await;
    let check = async |kql: &str, expected: bool| {
        let workspace = Workspace::default();
        let deadline = Instant::now() + Duration::from_secs(30);
        let question = Question::kql(kql);
        let results = fixture.engine.results(&workspace, question, deadline);
        assert_eq!(results.await.unwrap().takes_long, expected, "{kql}");
    };
    let table = "ApiManagementGatewayLogs";
    check(&format!("{table} | count"), false).await;
    check(&format!("union {table}, AuditLogs | count"), false).await;
    check(&format!("print x = toscalar({table} | count)"), true).await;
    check("search '10.0.0.1'", true).await;
    check(&format!("{table}{}", " | where true".repeat(400)), true).await;
    check("union withsource = t * | summarize count() by t", true).await;
    let found = rows(&fixture, "search '10.0.0.1' | project $table").await;
    assert_eq!(found, table);
}

#[tokio::test]
async fn a_question_may_ask_for_its_plan() {
    let fixture = fixture(&CALLS).await;
    let kql = "ApiManagementGatewayLogs | where ResponseCode == 401 | summarize count() by ApiId";
    let sql = "select ApiId, count(*) from ApiManagementGatewayLogs where ResponseCode = 401 group by ApiId";
    for mut question in [Question::kql(kql), Question::sql(sql)] {
        question.explain = true;
        let plans = csv(&fixture, question).await;
        assert!(
            plans.starts_with("plan_type,plan\nlogical_plan,"),
            "{plans}"
        );
        let physical = plans.split_once("physical_plan,").unwrap().1;
        assert!(
            physical.contains("AggregateExec: mode=FinalPartitioned"),
            "{plans}"
        );
        assert!(physical.contains("predicate=ResponseCode"), "{plans}");
    }
}

/// The answer to a query, its rows without the header.
async fn rows(fixture: &Fixture, kql: &str) -> String {
    let answer = csv(fixture, Question::kql(kql)).await;
    let (_, rows) = answer.split_once('\n').unwrap();
    rows.trim_end().replace('\n', " ")
}

#[tokio::test]
async fn sorted_rows_stay_in_their_order() {
    let fixture = fixture(&CALLS).await;
    // More rows than a batch holds, so that the engine works on several at once.
    let many =
        "range x from 1 to 40000 step 1 | extend part = x % 7, y = -x | sort by part asc, y asc";
    for then in [
        "extend total = row_cumsum(1, part != prev(part)) | where total <= 2 | project x",
        "extend before = prev(part), n = row_number() | where part != before or part != prev(before) | project x",
        "mv-expand z = range(1, 1, 1) | extend n = row_number(1, part != prev(part)) | where n <= 2 | project x",
        "serialize n = row_number(1, part != prev(part)) | where n < 3 | project-away y, part | extend p = prev(n) | project x",
    ] {
        let found = rows(&fixture, &format!("{many} | {then}")).await;
        let expected =
            "39998 39991 39999 39992 40000 39993 39994 39987 39995 39988 39996 39989 39997 39990";
        assert_eq!(found, expected, "{then}");
    }
    let kql = format!("{many} | extend n = row_number(1, part != prev(part)) | project x | take 3");
    assert_eq!(rows(&fixture, &kql).await, "39998 39991 39984");
    let sessions = "range x from 1 to 30000 step 1 | extend t = datetime(2026-01-01) + x * 1m | sort by t desc \
        | sort by t asc | extend begin = row_window_session(t, 1d, 5m, false), n = row_number() | where x > 29998 | project x, n";
    assert_eq!(rows(&fixture, sessions).await, "29999,29999 30000,30000");
    // What orders them may be gone.
    let kql = format!("{many} | project x | where x > 39996 | extend b = prev(x)");
    assert_eq!(
        rows(&fixture, &kql).await,
        "39998, 39999,39998 40000,39999 39997,40000"
    );
}

#[tokio::test]
async fn lists_of_the_configuration_are_watchlists() {
    let fixture = fixture(&CALLS).await;
    let kql = "let office = toscalar(_GetWatchlist('office') | summarize make_list(IPAddress)); \
        ApiManagementGatewayLogs | where ipv4_is_in_any_range(CallerIpAddress, office) | count";
    assert_eq!(csv(&fixture, Question::kql(kql)).await, "Count\n2\n");
}

/// Two documents, which may be fetched, and how often they were.
#[derive(Debug, Default)]
struct Shelf {
    fetched: std::sync::atomic::AtomicUsize,
}

#[async_trait::async_trait]
impl Fetch for Shelf {
    fn check(&self, address: &str) -> Result<(), String> {
        let is_known = address.starts_with("shelf:");
        is_known
            .then_some(())
            .ok_or_else(|| format!("{address} is not asked"))
    }

    async fn fetch(&self, address: &str, bytes_max: usize) -> Result<bytes::Bytes, String> {
        self.fetched
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let text = match address {
            "shelf:a.csv" => "n\n1\n2\n",
            "shelf:b.json" => "{\"n\": 3}",
            _ => return Err(format!("{address} answers 404 Not Found")),
        };
        if text.len() > bytes_max {
            return Err(format!("{address} is too large"));
        }
        Ok(text.into())
    }
}

async fn shelf(bytes_max: usize) -> (Fixture, Arc<Shelf>) {
    let shelf = Arc::new(Shelf::default());
    let fixture = fixture(&CALLS).await;
    let settings = EngineSettings {
        fetching: Some(Fetching {
            fetch: Arc::clone(&shelf) as Arc<dyn Fetch>,
            bytes_max,
        }),
        ..EngineSettings::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    let engine = Engine::new(Arc::clone(&fixture.store), clock, settings).unwrap();
    (Fixture { engine, ..fixture }, shelf)
}

const NUMBERS: &str = "let n = externaldata(n: long)['shelf:a.csv', 'shelf:b.json'] with (ignoreFirstRecord = false); ";

#[tokio::test]
async fn documents_are_concatenated_and_fetched_once_in_a_question() {
    let (fixture, shelf) = shelf(100).await;
    let kql = "n | where isnotnull(n) | join kind=inner n on n | summarize sum(n), count()";
    let found = csv(&fixture, Question::kql(format!("{NUMBERS}{kql}"))).await;
    assert_eq!(found, "sum_n,count_\n6,3\n");
    assert_eq!(shelf.fetched.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn nothing_is_fetched_where_a_question_is_only_planned() {
    let (fixture, shelf) = shelf(100).await;
    let kql = format!("{NUMBERS}print x = toscalar(n | count), y = 1 in (n)");
    let workspace = Workspace::default();
    fixture
        .engine
        .check(&workspace, Question::kql(&kql))
        .await
        .unwrap();
    let mut question = Question::kql(kql);
    question.explain = true;
    fixture.engine.rows(&workspace, question).await.unwrap();
    assert_eq!(shelf.fetched.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_cannot_be_fetched_is_an_error() {
    #[track_caller]
    fn check(answer: Result<Vec<RecordBatch>, QueryError>, expected: &str) {
        let reason = answer.unwrap_err().to_string();
        assert!(reason.contains(expected), "{reason}");
    }
    let (fixture, _) = shelf(10).await;
    let workspace = Workspace::default();
    let ask = async |uris: &str, external: External| {
        let mut question = Question::kql(format!("externaldata(n: long)[{uris}] | count"));
        question.external = external;
        fixture.engine.rows(&workspace, question).await
    };
    for external in [External::Refused, External::Empty] {
        check(ask("'shelf:c.csv'", external).await, "404 Not Found");
        check(
            ask("'shelf:a.csv', 'shelf:b.json'", external).await,
            "too large",
        );
        check(
            ask("'shelf:a.parquet'", external).await,
            "'parquet' is not read here",
        );
    }
    check(
        ask("'https://a.example/a.csv'", External::Refused).await,
        "a.example/a.csv is not asked",
    );
}

#[tokio::test]
async fn what_may_not_be_fetched_may_be_empty_instead() {
    let (fixture, _) = shelf(100).await;
    let uris = "['https://a.example/a.csv', 'shelf:b.json']";
    let mut question = Question::kql(format!("externaldata(n: long){uris}"));
    question.external = External::Empty;
    let workspace = Workspace::default();
    let answer = fixture.engine.answer(&workspace, question.clone()).await;
    let notes = answer.unwrap().notes().len();
    assert_eq!(
        (notes, csv(&fixture, question).await.as_str()),
        (1, "n\n3\n")
    );
}

#[tokio::test]
async fn several_results_come_one_after_the_other() {
    let fixture = fixture(&CALLS).await;
    let workspace = Workspace::default();
    let kql = "print a = 1; print b = 2";
    let answers = fixture.engine.answers(&workspace, Question::kql(kql)).await;
    assert_eq!(answers.unwrap().len(), 2);
    let one = fixture.engine.answer(&workspace, Question::kql(kql)).await;
    assert!(matches!(one, Err(QueryError::ManyResults(2))));
}

/// What makes many rows of few would otherwise compute on after its time, and keep a thread for ever.
#[tokio::test]
async fn a_query_that_took_too_long_ends() {
    let fixture = fixture(&[]).await;
    let side = "range x from 1 to 1000000 step 1 | extend k = 1";
    for (kind, end) in [("inner", "count"), ("leftouter", "summarize max(x + x1)")] {
        let kql = format!("{side} | join kind = {kind} ({side}) on k | {end}");
        let mut question = Question::kql(kql.as_str());
        question.timeout = Duration::from_millis(500);
        let failed = fixture.engine.rows(&Workspace::default(), question).await;
        assert!(matches!(failed, Err(QueryError::Timeout(_))), "{failed:?}");
        let begun = Instant::now();
        while fixture.engine.threads.alive() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{kind} goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
