# Read once, by the image's entry point, while the database is being made: gives PostgREST the role it logs in with.
# What that role may become is granted later, by sql/bootstrap.
# The password goes to psql through its environment and is quoted there; it is on no command line.
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password AUTHENTICATOR_PASSWORD
CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD :'password';
SQL
