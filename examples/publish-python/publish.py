"""A Python service that publishes an alert over plain AMQP and waits for the broker's confirm.

    pip install pika
    RABBITMQ_URL=amqp://localhost python3 publish.py "Flour is running low"
"""

import json
import os
import sys

import pika

EXCHANGE = os.environ.get("ALERTS_EXCHANGE", "alerts.exchange")

alert = {
    "id": "stock-4712",  # an id of your own: publishing it twice is one alert
    "tenant_id": "north-bakery",
    "service": "inventory",
    "severity": "urgent",
    "name": "low_stock",
    "title": sys.argv[1] if len(sys.argv) > 1 else "Flour is running low",
}

connection = pika.BlockingConnection(pika.URLParameters(os.environ.get("RABBITMQ_URL", "amqp://localhost")))
try:
    channel = connection.channel()
    channel.confirm_delivery()
    # every producer declares the exchange in the same way: topic, durable, no arguments
    channel.exchange_declare(EXCHANGE, "topic", durable=True)
    # raises UnroutableError when no queue takes the message and NackError when the broker refuses it; publish it again then
    channel.basic_publish(
        EXCHANGE,
        f"alert.{alert['severity']}.{alert['service']}",
        json.dumps(alert).encode(),
        pika.BasicProperties(content_type="application/json", delivery_mode=2, message_id=alert["id"]),
        mandatory=True,
    )
    print(f"confirmed {alert['id']}")
finally:
    connection.close()
