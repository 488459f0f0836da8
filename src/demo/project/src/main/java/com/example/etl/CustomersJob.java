package com.example.etl;

import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Keeps the number of address changes of each customer. Options: {@code --rate N} (20 a second), {@code --name TEXT}. */
public final class CustomersJob {
  private CustomersJob() {}

  public static void main(String[] args) throws Exception {
    Options options = Options.parse(args, "rate", "name");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(new NumberSequenceSource(1, Long.MAX_VALUE - 1), WatermarkStrategy.noWatermarks(), "address changes")
        .uid("address-changes")
        .map(new Throttle(options.number("rate", 20)))
        .returns(Types.LONG)
        .name("throttle")
        .uid("throttle")
        .keyBy(change -> change % 50)
        .process(new Changes())
        .name("changes per customer")
        .uid("changes")
        .print("changes")
        .name("changes out")
        .uid("changes-out");
    String name = options.text("name", null);
    if (name == null) {
      env.execute();
    } else {
      env.execute(name);
    }
  }

  private static class Changes extends KeyedProcessFunction<Long, Long, String> {
    private static final long serialVersionUID = 1L;
    private final LongCounter seen = new LongCounter();
    private transient ValueState<Long> changes;

    @Override
    public void open(OpenContext context) {
      changes = getRuntimeContext().getState(new ValueStateDescriptor<>("changes", Types.LONG));
      getRuntimeContext().addAccumulator("changes", seen);
    }

    @Override
    public void processElement(Long change, Context context, Collector<String> out) throws Exception {
      long n = (changes.value() == null ? 0 : changes.value()) + 1;
      changes.update(n);
      seen.add(1);
      if (n % 100 == 0) {
        out.collect("customer-" + context.getCurrentKey() + ": " + n + " changes");
      }
    }
  }
}
