package com.example.etl;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Counts and sums orders per customer, for ever.
 *
 * <pre>
 * --rate N             orders a second over all tasks (100; 0 = as fast as possible)
 * --name TEXT          name of the job
 * --uid-suffix TEXT    added to the uid of the totals, so that older state does not fit
 * --max-parallelism N  max parallelism of the job
 * --fail-after N       fails when this many orders were counted
 * --fail-file PATH     fails while this file exists: a fault that can be switched on and off
 * --pause-file PATH    hands out no order while this file exists
 * --event-time         orders have event times, and watermarks
 * --slow-order MS      counting an order takes this much longer
 * --slow-checkpoint MS each checkpoint takes this much longer
 * --fail-checkpoint    each checkpoint fails
 * --fail-close         fails when it is stopped
 * --throw-main         fails before the job is submitted
 * --no-execute         submits nothing
 * --twice              submits two jobs
 * </pre>
 */
public final class OrdersJob {
  private OrdersJob() {}

  public static void main(String[] args) throws Exception {
    Options options =
        Options.parse(
            args, "rate", "name", "uid-suffix", "max-parallelism", "fail-after", "fail-file", "pause-file", "event-time", "slow-order", "slow-checkpoint",
            "fail-checkpoint", "fail-close", "throw-main", "no-execute", "twice");
    if (options.has("throw-main")) {
      throw new IllegalStateException("The order system has no configuration " + options.text("throw-main", ""));
    }
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    if (options.has("max-parallelism")) {
      env.setMaxParallelism((int) options.number("max-parallelism", 128));
    }
    build(env, options);
    if (options.has("no-execute")) {
      return;
    }
    String name = options.text("name", null);
    if (name == null) {
      env.execute();
    } else {
      env.execute(name);
    }
    if (options.has("twice")) {
      build(env, options);
      env.execute("second");
    }
  }

  private static void build(StreamExecutionEnvironment env, Options options) {
    WatermarkStrategy<Long> times =
        options.has("event-time")
            ? WatermarkStrategy.<Long>forMonotonousTimestamps().withTimestampAssigner((number, read) -> System.currentTimeMillis())
            : WatermarkStrategy.noWatermarks();
    env.fromSource(new NumberSequenceSource(1, Long.MAX_VALUE - 1), times, "order numbers")
        .uid("order-numbers")
        .map(new Throttle(options.number("rate", 100), options.text("pause-file", null)))
        .returns(Types.LONG)
        .name("throttle")
        .uid("throttle")
        .map(Order::of)
        .returns(TypeInformation.of(Order.class))
        .name("orders")
        .uid("orders")
        .keyBy(order -> order.customer)
        .process(new CustomerTotals(options))
        .name("totals per customer")
        .uid("totals" + options.text("uid-suffix", ""))
        .print("total")
        .name("totals out")
        .uid("totals-out");
  }
}
