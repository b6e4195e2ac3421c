//! Tests that hold over either database.

/// Makes of each function two tests: over SQLite and over PostgreSQL, each with a service of its own that has no layers.
macro_rules! over_both {
    ($($test:ident),+) => {
        mod over_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::app::TestApp::bare().await).await;
            })+
        }
        mod over_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::app::TestApp::over_postgres().await).await;
            })+
        }
    };
}

/// As [`over_both`], with the layers of [`city`](super::city), in force from 2022-01-01.
macro_rules! over_both_with_city {
    ($($test:ident),+) => {
        mod over_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::app::TestApp::city().await).await;
            })+
        }
        mod over_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::app::TestApp::over_postgres().await.with_city().await).await;
            })+
        }
    };
}

pub(crate) use {over_both, over_both_with_city};
