// Main program for the real GoInsight, which has none: built inside a copy of its checkout.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/chuckie/goinsight/internal/db"
	api "github.com/chuckie/goinsight/internal/http"
	"github.com/chuckie/goinsight/internal/llm"
)

func main() {
	client, err := db.NewClient(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	if err := db.RunMigrations(client.DB(), "migrations"); err != nil {
		log.Fatal(err)
	}
	router := api.NewRouter(api.NewHandler(client, llm.NewMockClient(), nil))
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), router))
}
